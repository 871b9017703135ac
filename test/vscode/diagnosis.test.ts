import assert from 'node:assert/strict';
import type { KeyView } from '../../src/protocol/keys.js';
import { type DiagnosisFacts, diagnosis } from '../../src/vscode/diagnosis.js';
import { RecentLines } from '../../src/vscode/recentLines.js';
import { gatewayState, outcome } from './support/status.js';
import { unchosenChain } from './unchosenChain.js';

const GROQ = `gsk_${'Ab3'.repeat(12)}`;
/** Of no known shape. */
const OWN = 'hunter2"correct-horse';
const TOKEN = `freellmapi-${'9c'.repeat(24)}`;

const key = (id: string, provider: string, label: string): KeyView => ({
  ...{ id, provider, label, mask: '…9Qx2', enabled: true, limits: { rpd: 10 }, models: null, isFixed: false },
  health: { status: 'invalid', message: `Incorrect key ${GROQ} of org_4711 (jane@example.org)`, checkedAt: 5 },
});

const facts = (change: Partial<DiagnosisFacts> = {}): DiagnosisFacts => ({
  at: 0,
  versions: { freellm: '0.1.0', node: '20.19.0' },
  host: { kind: 'stopped', reason: 'error', message: `cannot open /home/jane/data with ${TOKEN}` },
  state: gatewayState({
    lastRequest: {
      at: 1,
      outcome: outcome({ provider: 'custom:secret-lab', fallbacks: [{ provider: 'groq', model: 'm', kind: 'auth' }] }),
    },
  }),
  keys: [key('k1', 'groq', 'jane@work'), key('k2', 'custom:secret-lab', 'main')],
  quota: [
    {
      ...{ id: 'w', kind: 'rpd', provider: 'custom:secret-lab', model: null, keyId: 'k2', used: 3, limit: 10 },
      ...{ source: 'user', resetsAt: 9, learnedAt: null, lastsUntil: null },
    },
  ],
  cooldowns: [
    {
      ...{ id: 'c', scope: 'key', provider: 'groq', model: null, keyId: 'k1', kind: 'auth', since: 0, until: 7 },
      message: `Incorrect key ${GROQ}`,
      state: 'resting',
    },
  ],
  chain: { ...unchosenChain, data: [] },
  settings: { stickyMinutes: 30 },
  settingsAsSet: { 'freellm.port': 3002 },
  recentLines: [
    `2026 [warn] [keys] jane@work was refused: Bearer ${OWN} at http://10.1.2.3:9000/v1`,
    `2026 [error] [ledger] /home/jane/data and ${TOKEN}; the main thing remains`,
  ],
  ...change,
});
const hidden = {
  secrets: [GROQ, OWN, TOKEN],
  labels: ['jane@work', 'main', ''],
  addresses: ['10.1.2.3', '127.0.0.1'],
  home: '/home/jane',
};

describe('diagnosis', () => {
  const text = diagnosis(facts(), hidden);

  it('has no secret, label, name or address of an own endpoint, nor a provider’s words', () => {
    for (const word of [
      GROQ,
      OWN,
      JSON.stringify(OWN).slice(1, -1),
      TOKEN,
      'jane',
      'secret-lab',
      '10.1.2.3',
      'org_4711',
    ])
      assert.ok(!text.includes(word), `${word} in:\n${text}`);
    assert.ok(!text.includes('9Qx2'), 'not even the end of a key');
  });

  it('leaves no part of a secret behind that looks like two', () => {
    const secret = 'abcdefgh12!the-other-half';
    const host = { message: `Bearer ${secret}` };
    const made = diagnosis(facts({ host }), { ...hidden, secrets: [secret] });
    assert.ok(!made.includes('other-half'), made);
  });

  it('finds secrets of known shapes by itself', () => {
    const alone = diagnosis(facts(), { secrets: [], labels: [], addresses: [], home: '' });
    for (const word of [GROQ, TOKEN]) assert.ok(!alone.includes(word), word);
  });

  it('has what a bug report needs', () => {
    const json = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(text)?.[1] ?? '');
    assert.deepEqual(Object.keys(json), [
      ...['versions', 'window', 'gateway', 'settings', 'keys', 'cooldowns', 'quotas', 'chain'],
    ]);
    assert.equal(json.versions.node, '20.19.0');
    assert.equal(json.gateway.lastRequest.provider, 'custom:1');
    assert.deepEqual(
      json.keys.map(({ id, provider, health }: Record<string, string>) => [id, provider, health]),
      [
        ['k1', 'groq', 'invalid'],
        ['k2', 'custom:1', 'invalid'],
      ],
    );
    assert.equal(json.cooldowns[0].kind, 'auth');
    assert.deepEqual([json.quotas[0].provider, json.quotas[0].used, json.quotas[0].limit], ['custom:1', 3, 10]);
    assert.equal(json.settings.setInTheEditor['freellm.port'], 3002);
    assert.match(text, /\[label\] was refused/);
    assert.match(text, /~\/data/);
    assert.match(text, /remains/, 'a label does not take words apart');
  });

  it('is made without a gateway, too', () => {
    const none = { state: null, keys: null, quota: null, cooldowns: null, chain: null, settings: null };
    const alone = diagnosis(facts({ ...none, recentLines: [] }), hidden);
    assert.match(alone, /"gateway": null/);
    assert.match(alone, /\(none\)/);
  });

  it('is told only the last lines, none of them long', () => {
    const recent = new RecentLines();
    for (let at = 0; at < 100; at += 1) recent.add(at, 'warn', `${at} ${'x'.repeat(1000)}`);
    const lines = recent.all();
    assert.equal(lines.length, 40);
    assert.match(lines.at(-1) ?? '', /\[warn\] 99 x+…$/);
    assert.ok(lines.every((line) => line.length < 450));
  });
});
