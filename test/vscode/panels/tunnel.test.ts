import assert from 'node:assert/strict';
import { ApiClient, ApiError, type ApiRequest } from '../../../src/protocol/apiClient.js';
import type { FromPage, ToPage } from '../../../src/protocol/pages.js';
import { AdminClient } from '../../../src/vscode/adminClient.js';
import { LeaderConnections } from '../../../src/vscode/leaderConnections.js';
import { Tunnel } from '../../../src/vscode/panels/tunnel.js';
import { PageTransport } from '../../../webview/lib/pageTransport.js';
import { useBed } from '../../support/bed.js';
import { testAdminToken, testInstance, testSecret, testToken } from '../../support/gateway.js';

/** What a page's call comes to: what was forwarded, and what was answered. */
async function callOf(request: ApiRequest): Promise<{ forwarded: ApiRequest[]; answer: ToPage }> {
  const forwarded: ApiRequest[] = [];
  const answers: ToPage[] = [];
  const transport = async (sent: ApiRequest) => {
    forwarded.push(sent);
    return '{"done":true}';
  };
  await new Tunnel(
    () => transport,
    (message) => answers.push(message),
  ).call(1, request);
  assert.equal(answers.length, 1);
  return { forwarded, answer: answers[0] as ToPage };
}

describe('the tunnel of the pages', () => {
  it('forwards the calls of the table as they are', async () => {
    const calls: ApiRequest[] = [
      { method: 'GET', path: '/api/keys' },
      { method: 'GET', path: '/api/requests?limit=25&provider=groq' },
      { method: 'PATCH', path: '/api/keys/key_1', body: { label: '<b>', limits: { rpm: 2 } } },
      { method: 'DELETE', path: '/api/cooldowns/groq%2Fllama%231' },
    ];
    for (const call of calls) {
      const { forwarded, answer } = await callOf(call);
      assert.deepEqual(forwarded, [call]);
      assert.deepEqual(answer, { type: 'answer', id: 1, ok: true, json: '{"done":true}' });
    }
  });

  const refused: [string, ApiRequest][] = [
    ['the endpoint with its token', { method: 'GET', path: '/api/endpoint' }],
    ['the hand-over of keys', { method: 'GET', path: '/api/handover' }],
    ['another path', { method: 'GET', path: '/v1/models' }],
    ['another host', { method: 'GET', path: '//example.com/api/keys' }],
    ['another method', { method: 'PUT', path: '/api/keys' }],
    ['a path that climbs', { method: 'DELETE', path: '/api/keys/..' }],
    ['a path that climbs in disguise', { method: 'DELETE', path: '/api/keys/%2E%2e' }],
    ['a path with more in it', { method: 'DELETE', path: '/api/keys/a/test' }],
    ['a header in the path', { method: 'DELETE', path: '/api/keys/a\r\nx: y' }],
    ['a secret for a new key', { method: 'POST', path: '/api/keys', body: { provider: 'groq', key: 'gsk_x' } }],
    ['a secret for a key', { method: 'PATCH', path: '/api/keys/a', body: { key: 'gsk_x' } }],
    ['a body of another shape', { method: 'PATCH', path: '/api/keys/a', body: { enabled: 'yes' } }],
    ['fields that are not in the table', { method: 'PATCH', path: '/api/keys/a', body: { id: 'b' } }],
    ['a body where there is none', { method: 'GET', path: '/api/keys', body: {} }],
    ['a query where there is none', { method: 'GET', path: '/api/keys?x=1' }],
    ['a query of another shape', { method: 'GET', path: '/api/requests?limit=-1' }],
  ];
  for (const [what, call] of refused) {
    it(`refuses ${what}`, async () => {
      const { forwarded, answer } = await callOf(call);
      assert.deepEqual(forwarded, []);
      assert.ok(answer.type === 'answer' && !answer.ok && answer.error.kind === 'rejected');
    });
  }

  it('says beforehand what it would forward', () => {
    const tunnel = new Tunnel(
      () => null,
      () => undefined,
    );
    const isOpen = (path: string) => tunnel.isOpen({ method: 'GET', path });
    assert.ok(isOpen('/api/keys') && isOpen('/api/requests?limit=1'));
    for (const path of ['/api/endpoint', '/api/events', '/v1/models', 'http://x/api/keys', '/api/requests?limit=x'])
      assert.equal(isOpen(path), false, path);
  });

  it('says when there is no gateway', async () => {
    const answers: ToPage[] = [];
    await new Tunnel(
      () => null,
      (message) => answers.push(message),
    ).call(4, { method: 'GET', path: '/api/keys' });
    const [answer] = answers;
    assert.ok(answer?.type === 'answer' && !answer.ok && answer.error.kind === 'unreachable' && answer.id === 4);
  });

  it('ends what nobody waits for any more, and then says nothing', async () => {
    const answers: ToPage[] = [];
    let signal: AbortSignal | undefined;
    const tunnel = new Tunnel(
      () => (_request, given) => {
        signal = given;
        return new Promise((_resolve, reject) => given?.addEventListener('abort', () => reject(given.reason)));
      },
      (message) => answers.push(message),
    );
    const called = tunnel.call(1, { method: 'POST', path: '/api/keys/a/test' });
    tunnel.cancel(1);
    await called;
    assert.equal(signal?.aborted, true);
    const other = tunnel.call(2, { method: 'POST', path: '/api/keys/a/test' });
    tunnel.dispose();
    await other;
    assert.deepEqual(answers, []);
  });
});

describe('a page’s client', () => {
  const bed = useBed();

  /** A page and the editor side of it, with a gateway behind. */
  async function pageOn(url: string) {
    const connections = new LeaderConnections(() => ({ url, instance: testInstance, secret: testSecret }));
    const heard: string[] = [];
    const page = new PageTransport((message: FromPage) => {
      if (message.type === 'call') void tunnel.call(message.id, message);
      if (message.type === 'cancel') tunnel.cancel(message.id);
    });
    const tunnel = new Tunnel(
      () => {
        const connection = connections.current();
        return connection && ((request, signal) => new AdminClient(connection).forward(request, signal));
      },
      (message) => {
        heard.push(JSON.stringify(message));
        if (message.type === 'answer') page.receive(message);
      },
    );
    return { client: new ApiClient(page.send), heard, close: () => connections.dispose() };
  }

  it('changes what it reads, through the whole of it, and hears no secret', async () => {
    const gateway = await bed.gateway({
      keys: [{ id: 'key_1', provider: 'groq', label: 'main', enabled: true, secret: 'gsk_0123456789abcdefWXYZ' }],
    });
    const { client, heard, close } = await pageOn(gateway.url);
    const changed = await client.call('PATCH /api/keys/{id}', { id: 'key_1', body: { label: '“laptop”' } });
    assert.deepEqual([changed.label, changed.mask], ['“laptop”', '…WXYZ']);
    assert.equal((await client.call('GET /api/keys')).data[0]?.label, '“laptop”');
    await client.call('GET /api/state');
    await client.call('GET /api/providers');
    await assert.rejects(
      client.call('DELETE /api/keys/{id}', { id: 'key_2' }),
      (error) => error instanceof ApiError && error.status === 404 && error.code === 'not_found',
    );
    assert.equal(await client.call('DELETE /api/keys/{id}', { id: 'key_1' }), undefined);
    close();
    for (const secret of ['gsk_0123', testToken, testAdminToken, testSecret]) {
      assert.ok(!heard.some((text) => text.includes(secret)));
    }
  });

  it('is ended by its signal', async () => {
    const gateway = await bed.gateway();
    const { client, close } = await pageOn(gateway.url);
    const abort = new AbortController();
    const called = client.call('GET /api/keys', {}, abort.signal);
    abort.abort(new Error('left'));
    await assert.rejects(called, /left/);
    await assert.rejects(client.call('GET /api/keys', {}, abort.signal), /left/);
    close();
  });
});
