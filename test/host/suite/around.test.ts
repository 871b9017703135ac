import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Overview } from '../../../src/vscode/overviewModel.js';
import { overviewRows } from '../../../src/vscode/overviewRows.js';
import { initialStatus, reduceStatus, type StatusInput, type StatusModel } from '../../../src/vscode/statusModel.js';
import { tooltip } from '../../../src/vscode/statusText.js';
import { gatewayState, outcome } from '../../vscode/support/status.js';
import { chat, gatewayUnderTest, untilReady } from './gatewayUnderTest.js';

const NOW = new Date(2026, 10, 21, 12, 0).getTime();
const at = (hour: number) => new Date(2026, 10, 21, hour, 40).getTime();
/** Other people's text at its worst. */
const HOSTILE = `[x](command:quit) <img src=x> $(flame) | \`y\` \u202Edne\u202C ${'z'.repeat(10_000)}`;

const window = {
  ...{ id: 'w', kind: 'rpd', provider: 'groq', keyId: 'k1', used: 212, limit: 1000, source: 'catalog' as const },
  ...{ resetsAt: at(23), learnedAt: null, lastsUntil: at(16), name: 'Groq', model: 'openai/gpt-oss-120b' },
};
const overview: Overview = {
  ...{
    strategy: 'balanced',
    chainLength: 9,
    day: { requests: 1284, promptTokens: 3_100_000, completionTokens: 420_000 },
  },
  chain: [
    { name: 'GPT-OSS 120B', model: 'groq/m', providers: ['Groq', 'Cerebras'], available: true, left: 0.82 },
    { name: 'Gemma', model: 'google/g', providers: ['Google'], available: false, left: null },
  ],
  providers: [
    {
      ...{ id: 'groq', name: 'Groq', state: 'healthy', isKeyless: false, keys: 2, window: null, waitsUntil: null },
      day: { used: 212, limit: 1000, resetsAt: at(23) },
    },
    {
      id: 'kilo',
      name: 'Kilo',
      state: 'waiting',
      isKeyless: true,
      keys: 0,
      day: null,
      window: null,
      waitsUntil: at(13),
    },
  ],
  tight: [window],
  forecasts: [{ provider: 'groq', model: null, until: at(16), name: 'Groq' }],
};
const after = (...inputs: StatusInput[]): StatusModel => inputs.reduce(reduceStatus, initialStatus);
const running: StatusInput = {
  type: 'host.changed',
  state: { kind: 'running', url: 'http://127.0.0.1:3001', port: 3001 },
};
const well = after(
  running,
  { type: 'state.read', state: gatewayState() },
  {
    ...{ type: 'request.ended', id: 'a', at: NOW },
    outcome: outcome({ fallbacks: [{ provider: 'google', model: 'g', kind: 'rate_limit' }] }),
  },
  { type: 'overview.read', overview },
);
/** Markdown without what only keeps it from being markup. */
const words = (model: StatusModel) =>
  tooltip(model, NOW)
    .value.replaceAll('&nbsp;', ' ')
    .replace(/ +/g, ' ')
    .replace(/\\([^a-z])/g, '$1');

describe('the hover of the status bar', () => {
  it('tells route, latency, fallbacks, what is left until when, and the forecast', () => {
    const text = words(well);
    for (const part of [
      ...['http://127.0.0.1:3001/v1', 'groq/openai/gpt-oss-120b', '412 ms to first token · 1.8 s in all'],
      ...['google: rate limit → groq', '1,284 requests · 3.1 M tokens in · 420 k out'],
      ...['| Groq · gpt-oss-120b | 788 of 1,000 requests left until 23:40 |', 'waits until 13:40'],
      ...['at this pace Groq lasts until 16:40', 'command:freellm.openKeys'],
    ])
      assert.ok(text.includes(part), `${part} is not in ${text}`);
  });

  it('lets nothing of others become markup', () => {
    const hostile = { ...overview, tight: [{ ...window, name: HOSTILE }], forecasts: [] };
    const { value } = tooltip(reduceStatus(well, { type: 'overview.read', overview: hostile }), NOW);
    assert.ok(!/(?<!\\)\]\(command:quit/.test(value) && !/(?<!\\)<img/.test(value) && !/(?<!\\)\$\(flame/.test(value));
    assert.ok(!value.includes('\u202E') && value.length < 5_000);
  });
});

describe('the overview', () => {
  const text = (model: StatusModel) =>
    overviewRows(model, NOW).flatMap(({ label, description, children = [] }) => [
      `${label}: ${description}`,
      ...children.map((child) => `- ${child.label}: ${child.description}`),
    ]);

  it('has gateway, chain, providers with what is left, and the pages', () => {
    assert.deepEqual(text(well).slice(0, 10), [
      'Gateway: ready · port 3001',
      '- Endpoint: http://127.0.0.1:3001/v1',
      '- Runs in: this window',
      '- Last answer: groq · gpt-oss-120b · 412 ms',
      '- Last 24 hours: 1,284 requests · 3.1 M tokens in · 420 k out',
      'Chain: balanced · 9 models',
      '- 1  GPT-OSS 120B: Groq, Cerebras · 82 % left today',
      '- 2  Gemma: Google · waits',
      'Providers: at this pace Groq lasts until 16:40',
      '- Groq: healthy · 788 of 1,000 left until 23:40',
    ]);
    assert.ok(text(well).includes('- Kilo: waits until 13:40'));
    assert.ok(text(well).includes('Keys: open the page'));
  });

  it('says who runs the gateway, and why nobody does', () => {
    const following: StatusInput = {
      type: 'host.changed',
      state: { kind: 'following', url: 'http://127.0.0.1:3001', port: 3001, version: '0.1.0' },
    };
    assert.ok(text(after(following)).includes('- Runs in: another window'));
    const stopped: StatusInput = {
      type: 'host.changed',
      state: { kind: 'stopped', reason: 'port-taken', message: '' },
    };
    assert.equal(text(after(stopped))[0], 'Gateway: its port is in use by another program');
    assert.equal(text(initialStatus)[0], 'Gateway: starting');
  });

  it('leaves its place to the welcome where nothing was added yet', () => {
    const state = gatewayState();
    const fresh = gatewayState({ counts: { ...state.counts, keys: 0 } });
    assert.deepEqual(text(after(running, { type: 'state.read', state: fresh })), []);
    assert.notDeepEqual(text(after(running, { type: 'state.read', state: { ...fresh, demo: true } })), []);
  });

  it('tames names', () => {
    const hostile = { ...overview, chain: [{ ...overview.chain[0], name: HOSTILE } as Overview['chain'][number]] };
    const row = text(reduceStatus(well, { type: 'overview.read', overview: hostile })).find((line) =>
      line.includes('zz'),
    );
    assert.ok(row !== undefined && row.length < 300 && !row.includes('\u202E'));
  });
});

describe('diagnose', () => {
  before(async () => {
    await vscode.extensions.getExtension('freellm.freellm')?.activate();
    await untilReady();
  });

  it('opens a document without any token', async () => {
    await chat({});
    await vscode.commands.executeCommand('freellm.diagnose');
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document?.isUntitled);
    const text = document.getText();
    assert.match(text, /^# FreeLLM diagnosis/);
    const facts = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(text.replaceAll('\r', ''))?.[1] ?? '');
    assert.equal(facts.gateway.demo, true);
    assert.equal(facts.window.isLeader, true);
    assert.equal(facts.versions.freellm, vscode.extensions.getExtension('freellm.freellm')?.packageJSON.version);
    assert.ok(!text.includes(gatewayUnderTest().token));
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });
});
