import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppContext } from '../../../src/gateway/http/app.js';
import { createListener } from '../../../src/gateway/http/listener.js';
import { testAdminToken, testInstance, testSecret, testToken } from '../../support/gateway.js';

describe('listener', () => {
  it('answers 500 where the app cannot be loaded, logs it, and loads it at the next request', async () => {
    const logs: string[] = [];
    let hasFailed = false;
    const clock = {
      now: () => {
        if (hasFailed) return 0;
        hasFailed = true;
        throw new Error('no app today');
      },
    };
    const context = {
      token: testToken,
      adminToken: testAdminToken,
      secret: testSecret,
      instance: testInstance,
      host: '127.0.0.1',
      newId: (prefix: string) => `${prefix}1`,
      chat: { clock, log: { log: (...line: unknown[]) => logs.push(JSON.stringify(line)) } },
      // What its routes answer is not asked for here.
      api: { clock, profiles: {}, books: {} },
    } as unknown as AppContext;
    const server = createServer(createListener(context).handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/livez`;
      const failed = await fetch(url);
      assert.equal(failed.status, 500);
      assert.equal(failed.headers.get('x-request-id'), 'req_1');
      assert.equal((await failed.json()).error.code, 'internal_error');
      assert.ok(logs.some((line) => line.includes('no app today')));
      const answered = await fetch(url);
      assert.deepEqual([answered.status, await answered.json()], [200, { status: 'ok' }]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
