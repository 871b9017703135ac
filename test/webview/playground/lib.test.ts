import assert from 'node:assert/strict';
import type { GatewayEvent } from '../../../src/protocol/events.js';
import { readAttachment, readText } from '../../../webview/lib/playground/attachments.js';
import { titleOf } from '../../../webview/lib/playground/conversation.js';
import { failureWordsOf } from '../../../webview/lib/playground/errorWords.js';
import { factsOf, speedOf } from '../../../webview/lib/playground/figures.js';
import { bounded, readKept } from '../../../webview/lib/playground/kept.js';
import { LiveRoutes } from '../../../webview/lib/playground/liveRoute.js';
import { exchange, step } from './steps.js';

const started = (id: string, model: string, client: string | null = 'FreeLLM'): GatewayEvent => ({
  ...{ type: 'request.started', id, at: 0, model, stream: true, client },
});
const routed = (id: string, provider: string, attempt: number): GatewayEvent => ({
  ...{ type: 'request.routed', id, at: 0, provider, model: 'm', attempt },
});

describe('figures of an answer', () => {
  it('are the quiet line', () => {
    const answered = step('x'.repeat(100), {
      route: { requestId: 'r', via: 'groq/gpt-oss-120b', fallbacks: [{ model: 'a/b', kind: 'rate_limit' }] },
      ...{ firstTokenMs: 412, totalMs: 1_800, usage: { promptTokens: 5, completionTokens: 214 } },
    });
    assert.equal(
      factsOf(answered).join(' · '),
      'groq/gpt-oss-120b · 412 ms to first token · 1.8 s · 214 tokens · 153 tok/s · 1 fallback',
    );
    assert.ok(factsOf({ ...answered, usage: null }).includes('~25 tokens'));
    assert.equal(speedOf(100, 400, 405), null);
    assert.deepEqual(factsOf(step('', { end: { kind: 'lost' } })), []);
  });
});

describe('live routes', () => {
  it('tell who is asked, who failed, and that it waits', () => {
    const routes = new LiveRoutes();
    routes.begin('s1', 'auto');
    assert.equal(routes.take([started('r0', 'auto', 'cline'), routed('r0', 'x', 1)]), false);
    assert.equal(routes.of('s1')?.asked, null);
    assert.equal(routes.take([started('r1', 'auto'), routed('r1', 'a', 1), routed('r1', 'b', 2)]), true);
    assert.deepEqual(routes.of('s1'), {
      requestId: 'r1',
      model: 'auto',
      asked: 'b/m',
      failed: ['a/m'],
      waitsUntil: null,
    });
    routes.take([{ type: 'request.queued', id: 'r1', at: 0, until: 99 }]);
    assert.equal(routes.of('s1')?.waitsUntil, 99);
    routes.end('s1');
    assert.equal(routes.of('s1'), null);
  });

  it('keep two apart, and are set right by the answers’ headers', () => {
    const routes = new LiveRoutes();
    routes.begin('s1', 'auto');
    routes.begin('s2', 'auto');
    routes.take([started('r2', 'auto'), started('r1', 'auto')]);
    routes.identify('s1', 'r1');
    assert.deepEqual([routes.of('s1')?.requestId, routes.of('s2')?.requestId], ['r1', 'r2']);
    routes.take([routed('r2', 'b', 1)]);
    assert.deepEqual([routes.of('s1')?.asked, routes.of('s2')?.asked], [null, 'b/m']);
  });
});

describe('attachments', () => {
  it('are images or text, within their sizes', async () => {
    const text = await readAttachment(new File(['hello'], 'a.md'), []);
    assert.deepEqual(text.attachment, { kind: 'text', name: 'a.md', bytes: 5, text: 'hello' });
    assert.match(
      (await readAttachment(new File([new Uint8Array([0, 1])], 'a.bin'), [])).problem ?? '',
      /neither text nor/,
    );
    assert.match((await readAttachment(new File(['x'], 'a.tiff', { type: 'image/tiff' }), [])).problem ?? '', /PNG/);
    assert.match(
      (await readAttachment(new File(['x'.repeat(300_000)], 'a.txt'), [])).problem ?? '',
      /a\.txt has 293 KB; 256 KB is the most/,
    );
    const folder = Object.assign(new File([''], 'folder'), { arrayBuffer: () => Promise.reject(new Error('gone')) });
    assert.match((await readAttachment(folder, [])).problem ?? '', /folder could not be read/);
    const there = Array.from({ length: 8 }, () => ({ kind: 'text' as const, name: 'x', bytes: 1, text: 'x' }));
    assert.match((await readAttachment(new File(['x'], 'a.txt'), there)).problem ?? '', /8 files at most/);
    assert.equal(readText(new Uint8Array([0xff, 0xfe])), null);
  });
});

describe('what the page keeps', () => {
  it('is read as it was written, and nonsense as nothing', () => {
    const failed = step('', {
      end: { kind: 'failed', message: 'm', status: 429, code: 'rate_limit_exceeded', retryAfterSeconds: 3 },
      calls: [{ id: 'c', name: 'f', arguments: '{}', result: '1' }],
      usage: { promptTokens: 1, completionTokens: 2 },
    });
    const kept = {
      ...readKept(null),
      models: ['a', 'b'],
      draft: 'd',
      exchanges: [exchange('q', [failed], [step('x')])],
    };
    assert.deepEqual(readKept(JSON.parse(JSON.stringify(kept))), kept);
    for (const nonsense of [
      null,
      5,
      'x',
      [],
      { exchanges: [{}, 5, { id: 'x' }], models: 'x', sampling: { temperature: 'hot' } },
    ]) {
      assert.deepEqual(readKept(nonsense).exchanges, []);
      assert.deepEqual(readKept(nonsense).models, ['auto']);
    }
    const bad = {
      exchanges: [{ ...exchange('q'), attachments: [{ kind: 'image', name: 'x', bytes: 1, url: 'javascript:x' }] }],
    };
    assert.deepEqual(readKept(bad).exchanges[0]?.attachments, [{ kind: 'image', name: 'x', bytes: 1, url: null }]);
  });

  it('is small: no images, and of much the last', () => {
    const image = { kind: 'image' as const, name: 'x', bytes: 1, url: 'data:image/png;base64,AA' };
    const many = Array.from({ length: 100 }, (_, at) => ({
      ...exchange(String(at), [step('x'.repeat(10_000))]),
      attachments: [image],
    }));
    const { exchanges } = bounded({ ...readKept(null), exchanges: many });
    assert.ok(JSON.stringify(exchanges).length < 410_000);
    assert.equal(exchanges.at(-1)?.text, '99');
    assert.equal(exchanges[0]?.attachments[0]?.kind === 'image' && exchanges[0].attachments[0].url, null);
  });

  it('keeps the last question however long it is, and what the editor side may still have of its answer', () => {
    const long = 'x'.repeat(600_000);
    const log = { kind: 'text' as const, name: 'a.log', bytes: 250_000, text: 'y'.repeat(250_000) };
    const asked = { ...exchange('why?', [step(long)]), attachments: [log, log] };
    const { exchanges } = readKept(bounded({ ...readKept(null), exchanges: [exchange('before'), asked] }));
    assert.ok(JSON.stringify(exchanges).length < 410_000);
    const last = exchanges.at(-1);
    assert.equal(last?.text, 'why?');
    assert.deepEqual(last?.attachments[0], { ...log, text: null });
    const kept = last?.answers[0]?.steps[0];
    assert.ok(kept?.content !== '' && long.startsWith(kept?.content ?? 'no'));
    assert.equal(kept?.end, null, 'it is asked for again');
    const huge = exchange(long, [
      step('', { end: { kind: 'failed', message: long, status: 500, code: null, retryAfterSeconds: null } }),
    ]);
    const [only] = readKept(bounded({ ...readKept(null), exchanges: [huge] })).exchanges;
    assert.ok(JSON.stringify(only).length < 410_000);
    const calls = [{ id: 'c', name: 'f', arguments: long, result: 'done' }];
    const answered = bounded({ ...readKept(null), exchanges: [exchange('q', [step('', { calls }), step('so')])] });
    assert.deepEqual(
      answered.exchanges[0]?.answers[0]?.steps.map(({ end }) => end?.kind),
      ['done', 'done'],
    );
  });

  it('takes no id twice, and none that the editor side would not take', () => {
    const twice = [exchange('a', [step('1'), step('2', { id: 'NO ID', end: null })]), exchange('b', [step('3')])];
    const [first, second] = twice;
    if (first === undefined || second === undefined) return;
    second.id = first.id;
    second.answers = [...second.answers, ...first.answers, ...first.answers];
    const { exchanges, saved } = readKept({ exchanges: twice, saved: { id: '../../x', title: 'x' } });
    const steps = exchanges.flatMap(({ answers }) => answers.flatMap((answer) => answer.steps));
    const ids = [...exchanges, ...steps].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[a-z0-9]{8,40}$/);
    assert.ok(exchanges.every(({ answers }) => answers.length <= 2));
    assert.equal(saved, null);
    assert.equal(readKept({ saved: { id: 'a'.repeat(20), title: 'x'.repeat(500) } }).saved?.title.length, 200);
  });

  it('names a conversation by its first question', () => {
    assert.equal(titleOf([]), null);
    assert.equal(titleOf([exchange(' a\n b ')]), 'a b');
    assert.equal(titleOf([exchange('x'.repeat(100))])?.length, 58);
  });
});

describe('failures in words', () => {
  it('say what to do', () => {
    const of = (code: string | null, status: number | null = 500) =>
      failureWordsOf({ kind: 'failed', message: '', status, code, retryAfterSeconds: 41 });
    assert.match(of('rate_limit_exceeded', 429).advice ?? '', /41 s/);
    assert.equal(of('no_providers_configured', 503).act, 'addKey');
    assert.equal(of(null, null).act, 'restart');
    assert.equal(of('something_new').headline, 'There was no answer.');
  });
});
