import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { useBed } from '../support/bed.js';
import { chatCompletion, errorStatus, type FakeProvider } from '../support/provider.js';
import { configOf } from '../support/scenario.js';

const image = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      ],
    },
  ],
};

describe('why a request went where it went', () => {
  const bed = useBed();
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-explain-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('tells a missing capability, a cooldown, a full window and a failure, in the log and in the trail', async () => {
    const names = ['blind', 'cooling', 'full', 'failing', 'good'] as const;
    const servers = {} as Record<(typeof names)[number], FakeProvider>;
    for (const name of names) servers[name] = await bed.provider(chatCompletion({ text: name }));
    servers.cooling.script(errorStatus(429, 'slow down', { 'retry-after': '4' }));
    servers.failing.script(errorStatus(500, 'oops'));
    const providers = Object.fromEntries(
      names.map((name) => [
        `custom:${name}`,
        {
          baseUrl: servers[name].baseUrl,
          keys: [{ key: `key-of-${name}-0123456789` }],
          models: [{ id: 'm', vision: name !== 'blind' }],
        },
      ]),
    );
    const chain = names.map((name) => `custom:${name}/m`);
    const limits = { 'custom:full/m': { rpm: 1 } };
    const gateway = await bed.gateway({ config: { ...configOf(providers, chain), limits }, dataDir: folder });
    await gateway.chat({ ...image, model: 'custom:full/m' });
    await gateway.chat({ ...image, model: 'custom:cooling/m' });
    const answer = await gateway.chat(image);
    assert.equal(answer.headers['x-routed-via'], 'custom:good/m');
    assert.equal(answer.headers['x-fallback-trail'], 'custom:failing/m=overloaded');
    const { attempts, passedOver } = await (
      await gateway.api('GET', `/api/requests/${answer.headers['x-request-id']}`)
    ).json();
    assert.deepEqual(
      passedOver.map(({ provider, why, kind }: Record<string, string>) => [provider, why, kind]),
      [
        ['custom:cooling', 'cooldown', 'rate_limit'],
        ['custom:full', 'quota', 'rpm'],
        ['custom:blind', 'incapable', 'vision'],
      ],
    );
    assert.ok(passedOver.slice(0, 2).every(({ until }: { until: number }) => until > Date.now()));
    assert.deepEqual(
      attempts.map(({ provider, kind }: Record<string, string>) => [provider, kind]),
      [
        ['custom:failing', 'overloaded'],
        ['custom:good', null],
      ],
    );
  });
});
