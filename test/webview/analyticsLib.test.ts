import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AnalyticsPoint, AttemptView } from '../../src/protocol/analytics.js';
import type { GatewayEvent } from '../../src/protocol/events.js';
import { readView, startOf } from '../../webview/lib/analytics/keptView.js';
import { asRead, endedOf, NOTHING_LIVE, withEvents } from '../../webview/lib/analytics/live.js';
import { dollars } from '../../webview/lib/analytics/money.js';
import { columnAt, nextPoint, niceMax, pieces } from '../../webview/lib/analytics/scale.js';
import { layersOf, stacked } from '../../webview/lib/analytics/stack.js';
import { timelineOf } from '../../webview/lib/analytics/timeline.js';
import { TimeWords } from '../../webview/lib/analytics/timeWords.js';
import { drawnRows, heightOf, rowAt, scrollToRow, topOf } from '../../webview/lib/analytics/virtualRows.js';

const HOUR = 3_600_000;

describe('the scale of a chart', () => {
  it('ends at the next round number', () => {
    const wanted = {
      0: 1,
      1: 1,
      3: 3,
      4: 4,
      7: 8,
      9: 10,
      11: 20,
      41: 50,
      99: 100,
      100: 100,
      101: 200,
      0.3: 0.3,
      25: 30,
    };
    for (const [value, top] of Object.entries(wanted)) assert.ok(Math.abs(niceMax(Number(value)) - top) < 1e-9, value);
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), (value) => {
        const top = niceMax(value);
        assert.ok(top >= value * (1 - 1e-9) && top <= value * 2 * (1 + 1e-9), `${value} ${top}`);
      }),
    );
  });

  it('breaks a line where nothing was measured', () => {
    const found = pieces([null, 1, 2, null, null, 3]).map((piece) => piece.map(({ index, value }) => [index, value]));
    assert.deepEqual(found, [
      [
        [1, 1],
        [2, 2],
      ],
      [[5, 3]],
    ]);
    assert.deepEqual(pieces([null, null]), []);
  });

  it('finds the point under a pointer, and where the arrows lead', () => {
    assert.deepEqual(
      [-0.1, 0, 0.49, 0.5, 1].map((share) => columnAt(share, 4)),
      [0, 0, 1, 2, 3],
    );
    assert.deepEqual(
      ['ArrowLeft', 'ArrowRight', 'PageUp', 'PageDown', 'Home', 'End', 'x'].map((key) => nextPoint(key, 10, 24)),
      [9, 11, 16, 4, 0, 23, null],
    );
    assert.deepEqual([nextPoint('ArrowLeft', 0, 24), nextPoint('ArrowRight', 23, 24)], [0, 23]);
  });
});

describe('the layers of a chart', () => {
  const point = (requests: number): AnalyticsPoint => ({
    from: 0,
    to: HOUR,
    requests,
    successes: requests,
    errors: 0,
    canceled: 0,
    promptTokens: requests * 10,
    completionTokens: requests,
    latencyP50Ms: null,
    latencyP95Ms: null,
    firstTokenP50Ms: null,
    firstTokenP95Ms: null,
  });

  it('are the busiest providers, the others as one, and what nobody answered', () => {
    const providers = Array.from({ length: 8 }, (_, index) => ({
      provider: `p${index}`,
      requests: [index + 1, 0],
      promptTokens: [0, 0],
      completionTokens: [index, 1],
    }));
    const layers = layersOf('requests', providers, [point(40), point(2)]);
    assert.deepEqual(
      layers.map(({ kind, provider, values }) => [kind, provider, values]),
      [
        ...[7, 6, 5, 4, 3, 2].map((index) => ['provider', `p${index}`, [index + 1, 0]]),
        ['others', '', [3, 0]],
        ['nobody', '', [4, 2]],
      ],
    );
  });

  it('add up to the whole at each point', () => {
    const list = fc.array(fc.nat(50), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(list, { maxLength: 12 }), list, (all, more) => {
        const providers = all.map((requests, index) => {
          return { provider: `p${index}`, requests, promptTokens: requests, completionTokens: requests };
        });
        const wholes = more.map((extra, at) => extra + all.reduce((sum, values) => sum + (values[at] ?? 0), 0));
        const layers = layersOf('requests', providers, wholes.map(point));
        const { bases, heights } = stacked(layers, 3);
        assert.deepEqual(heights, wholes);
        for (const [index, layer] of layers.entries()) {
          const next = bases[index + 1] ?? heights;
          assert.deepEqual(
            layer.values.map((value, at) => value + (bases[index]?.[at] ?? 0)),
            next,
          );
        }
      }),
    );
  });
});

/** Node's versions differ in the comma after the weekday. */
const withoutComma = (words: string): string => words.replace(/^(\w+),/, '$1');

describe('the words of time', () => {
  it('are the wall clock’s, over both changes of it', () => {
    const berlin = new TimeWords('Europe/Berlin', 'en-GB');
    const name = (from: string, isHourly = true) => {
      const at = Date.parse(from);
      return withoutComma(berlin.pointName({ from: at, to: at + HOUR }, isHourly));
    };
    // Clocks go back at 01:00Z on 25 October: 02:00 comes twice.
    assert.equal(name('2026-10-25T00:00Z'), 'Sun 25 Oct, 02:00 – 02:00');
    assert.equal(name('2026-10-25T01:00Z'), 'Sun 25 Oct, 02:00 – 03:00');
    // And forward on 29 March: there is no 02:00.
    assert.equal(name('2026-03-29T00:00Z'), 'Sun 29 Mar, 01:00 – 03:00');
    assert.equal(name('2026-10-24T22:00Z', false), 'Sun 25 Oct');
  });

  it('stand under the points that they are of', () => {
    const words = new TimeWords('Europe/Berlin', 'en-GB');
    const from = Date.parse('2026-10-24T13:00Z');
    const hours = Array.from({ length: 168 }, (_, index) => ({
      from: from + index * HOUR,
      to: from + (index + 1) * HOUR,
    }));
    assert.deepEqual(
      words.ticks(hours.slice(0, 24), '24h').map(({ index, words }) => [index, words]),
      // The hour at 04:00 is six, not seven, after midnight's.
      [
        [1, '16:00'],
        [5, '20:00'],
        [9, '00:00'],
        [14, '04:00'],
        [18, '08:00'],
        [22, '12:00'],
      ],
    );
    const days = words.ticks(hours, '7d');
    assert.deepEqual(days[0], { index: 9, words: '25 Oct' });
    assert.deepEqual(days[1], { index: 34, words: '26 Oct' }, 'a day of 25 hours');
    assert.equal(words.ticks(hours.slice(0, 31), '30d').at(-1)?.index, 30);
  });

  it('say when, as near as need be', () => {
    const words = new TimeWords('Europe/Berlin', 'en-GB');
    const now = Date.parse('2026-11-21T13:00Z');
    assert.equal(words.whenNext(Date.parse('2026-11-21T15:40Z'), now), '16:40');
    assert.equal(words.whenNext(Date.parse('2026-11-22T08:00Z'), now), 'tomorrow 09:00');
    assert.equal(withoutComma(words.whenNext(Date.parse('2026-11-25T08:00Z'), now)), 'Wed 25 Nov, 09:00');
  });
});

describe('the timeline of a request', () => {
  const attempt = (more: Partial<AttemptView>): AttemptView => {
    return {
      provider: 'groq',
      model: 'llama',
      keyId: null,
      kind: null,
      httpStatus: 200,
      startMs: null,
      ms: 100,
      ...more,
    };
  };
  const barsOf = (request: Parameters<typeof timelineOf>[0]) =>
    timelineOf(request).map(({ attempt, bars }) => [
      attempt === null ? 'wait' : attempt.provider,
      ...bars.map(({ kind, from, to }) => `${kind} ${from}-${to}`),
    ]);

  it('has failures, waiting, and the answer with its first token', () => {
    const attempts = [
      attempt({ provider: 'google', kind: 'rate_limit', startMs: 5, ms: 95 }),
      attempt({ startMs: 1_100, ms: 900 }),
    ];
    assert.deepEqual(barsOf({ attempts, totalMs: 2_000, firstTokenMs: 1_500, stream: true }), [
      ['google', 'failed 5-100'],
      ['wait', 'waited 100-1100'],
      ['groq', 'beforeFirst 1100-1500', 'answering 1500-2000'],
    ]);
  });

  it('is made without the beginnings of an older version’s rows, and never longer than the request', () => {
    const attempts = [attempt({ kind: 'slow', ms: 300 }), attempt({ kind: 'canceled', ms: 900 })];
    assert.deepEqual(barsOf({ attempts, totalMs: 1_000, firstTokenMs: null, stream: true }), [
      ['groq', 'failed 0-300'],
      ['groq', 'canceled 300-1000'],
    ]);
  });

  it('tells of waiting in vain', () => {
    assert.deepEqual(barsOf({ attempts: [], totalMs: 60_000, firstTokenMs: null, stream: false }), [
      ['wait', 'waited 0-60000'],
    ]);
  });
});

describe('rows that are drawn only while they are seen', () => {
  const layout = { count: 1_000, rowHeight: 28, openIndex: 10, openHeight: 300 };

  it('lie where they would if all were drawn', () => {
    assert.deepEqual(
      [0, 10, 11].map((index) => topOf(layout, index)),
      [0, 280, 608],
    );
    assert.equal(heightOf(layout), 28_300);
    assert.deepEqual(
      [0, 27, 28, 307, 500, 607, 608].map((y) => rowAt(layout, y)),
      [0, 0, 1, 10, 10, 10, 11],
    );
  });

  it('cover what is seen, wherever it is scrolled to', () => {
    const some = fc.record({
      count: fc.integer({ min: 1, max: 3_000 }),
      rowHeight: fc.constant(28),
      openIndex: fc.option(fc.nat(2_999)),
      openHeight: fc.integer({ min: 0, max: 900 }),
    });
    fc.assert(
      fc.property(some, fc.nat(90_000), (given, scrollTop) => {
        const layout = { ...given, openIndex: given.openIndex === null ? null : given.openIndex % given.count };
        const { first, last } = drawnRows(layout, scrollTop, 480);
        assert.ok(first === 0 || topOf(layout, first) <= scrollTop);
        assert.ok(last === layout.count || topOf(layout, last) >= scrollTop + 480);
        assert.ok(last - first <= 480 / 28 + 20, 'and few more');
      }),
    );
  });

  it('are scrolled no further than needed', () => {
    assert.equal(scrollToRow(layout, 2, 100, 400), 56);
    assert.equal(scrollToRow(layout, 5, 100, 400), 100);
    assert.equal(scrollToRow(layout, 20, 100, 400), topOf(layout, 20) + 28 - 400);
  });
});

describe('what is under way', () => {
  it('grows, moves to another provider, and is counted when it ends', () => {
    const events: GatewayEvent[] = [
      { type: 'request.started', id: 'a', at: 5, model: 'auto', stream: true, client: 'cline' },
      { type: 'request.queued', id: 'a', at: 6, until: 90 },
      { type: 'request.routed', id: 'a', at: 7, provider: 'groq', model: 'llama', attempt: 1 },
      { type: 'request.progressed', id: 'a', at: 8, provider: 'groq', model: 'llama', completionTokens: 40 },
      // One that began before the page did.
      { type: 'request.progressed', id: 'b', at: 8, provider: 'groq', model: 'llama', completionTokens: 40 },
    ];
    const live = withEvents(NOTHING_LIVE, events);
    assert.deepEqual(live.active, [
      {
        id: 'a',
        startedAt: 5,
        model: 'auto',
        client: 'cline',
        provider: 'groq',
        servedModel: 'llama',
        attempt: 1,
        waitsUntil: null,
        completionTokens: 40,
      },
    ]);
    const outcome = {
      status: 'success' as const,
      httpStatus: 200,
      provider: 'groq',
      model: 'llama',
      keyId: null,
      firstTokenMs: 1,
      totalMs: 2,
      promptTokens: 7,
      completionTokens: null,
      fallbacks: [],
      errorCode: null,
    };
    const ended = withEvents(live, [
      { type: 'request.ended', id: 'a', at: 9, outcome },
      { type: 'request.ended', id: 'b', at: 9, outcome: { ...outcome, status: 'error' } },
    ]);
    assert.deepEqual(ended, { active: [], ended: { requests: 2, answered: 1, tokens: 14 } });
    assert.deepEqual(NOTHING_LIVE.active, []);
    // The answer may be from before an event that came sooner than it.
    const [first, ...rest] = events;
    assert.ok(first !== undefined);
    const gone = asRead(ended, live.active, [first, ...rest, { type: 'request.ended', id: 'a', at: 9, outcome }]);
    assert.deepEqual(gone, ended);
    assert.deepEqual(asRead(ended, [], events), { ...live, ended: ended.ended });
    assert.deepEqual(asRead(ended, live.active, events).active, live.active);
  });

  it('counts what ended unheard by the log, and nothing twice', () => {
    const one = { status: 'success' as const, promptTokens: 7, completionTokens: 3 };
    const failed = { status: 'error' as const, promptTokens: 1, completionTokens: null };
    assert.deepEqual(endedOf(new Map(), new Map()), NOTHING_LIVE.ended);
    type Ended = typeof one | typeof failed;
    const log = new Map<string, Ended>([
      ['a', one],
      ['b', failed],
    ]);
    const heard = new Map<string, Ended>([
      ['b', failed],
      ['c', one],
    ]);
    assert.deepEqual(endedOf(log, heard), { requests: 3, answered: 2, tokens: 21 });
  });
});

describe('money', () => {
  it('is short, and exact where it is little', () => {
    assert.deepEqual([0, 0.0031, 0.0456, 0.42, 11.4, 1_239.6].map(dollars), [
      '$0.00',
      '$0.0031',
      '$0.046',
      '$0.42',
      '$11.40',
      '$1,240',
    ]);
  });
});

describe('the kept view of the analytics', () => {
  it('is as at the first time where it makes no sense', () => {
    const first = readView(undefined);
    assert.deepEqual(readView({ window: '1y', provider: 7, status: 'fine', tables: [1], scroll: Number.NaN }), first);
    const kept = { ...first, window: '7d' as const, client: '', status: 'error' as const, tables: ['requests'] };
    assert.deepEqual(readView(JSON.parse(JSON.stringify(kept))), kept);
  });

  it('begins its windows where the gateway does', () => {
    assert.equal(startOf('24h', Date.parse('2026-11-21T13:27Z')), Date.parse('2026-11-20T14:00Z'));
    assert.equal(startOf('7d', Date.parse('2026-11-21T13:00Z')), Date.parse('2026-11-14T14:00Z'));
  });
});
