import assert from 'node:assert/strict';
import type { AnalyticsPoint } from '../../src/protocol/analytics.js';
import type { QuotaUse } from '../../src/protocol/events.js';
import { dayOf, inOrder, tightest, withUses } from '../../src/protocol/quotaUse.js';
import { barsOf } from '../../webview/lib/keys/dayBars.js';
import { readView } from '../../webview/lib/keys/keptView.js';
import { changedLimits, readLimit } from '../../webview/lib/keys/limits.js';
import { modelScope } from '../../webview/lib/keys/modelScope.js';

function use(kind: string, used: number, limit: number | null, more: Partial<QuotaUse> = {}): QuotaUse {
  return {
    id: `${more.model ?? ''}#${more.keyId ?? 'k'}`,
    kind,
    provider: 'p',
    model: null,
    keyId: 'k',
    used,
    limit,
    source: 'catalog',
    resetsAt: 0,
    learnedAt: null,
    lastsUntil: null,
    ...more,
  };
}

describe('what is left of quotas', () => {
  it('is told by the window that ends a key first', () => {
    assert.equal(tightest([]), null);
    assert.equal(
      tightest([use('rpm', 1, 2), use('rpd', 5, null)]),
      null,
      'minutes pass, and without a limit none is full',
    );
    assert.equal(tightest([use('rpd', 10, 100), use('tpd', 30, 100)])?.kind, 'tpd');
    assert.equal(tightest([use('tpd', 0, 50), use('rpd', 0, 1000)])?.kind, 'rpd');
    assert.equal(tightest([use('rpd', 0, 1000, { id: 'x' }), use('rpd', 0, 50, { id: 'y' })])?.id, 'y');
  });

  it('is summed up over keys and models, each quota once', () => {
    assert.equal(dayOf([use('rpm', 1, 2)]), null);
    const ofModels = [
      use('rpd', 10, 100, { model: 'a', resetsAt: 7 }),
      use('rpd', 120, 100, { model: 'b', resetsAt: 5 }),
      use('rpd', 3, null, { model: 'c' }),
    ];
    assert.deepEqual(dayOf(ofModels), { used: 110, limit: 200, resetsAt: 5 });
    assert.deepEqual(dayOf([...ofModels, use('rpd', 130, 1000, { resetsAt: 9 })]), {
      used: 130,
      limit: 1000,
      resetsAt: 9,
    });
    const byAddress = { keyId: null, resetsAt: 1 };
    assert.deepEqual(dayOf([...ofModels, use('rpd', 4, 50, byAddress)]), { used: 4, limit: 50, resetsAt: 1 });
  });

  it('stays in place when a window is told anew', () => {
    const [a, b] = [use('rpd', 1, 10), use('rpm', 1, 10)];
    const news = { ...a, used: 2 };
    const other = use('tpd', 5, 10);
    assert.deepEqual(withUses([a, b], [news, other]), [news, b, other]);
    assert.deepEqual(
      inOrder([use('rpd', 0, 1, { model: 'm' }), use('tpm', 0, 1), use('rpm', 0, 1)]).map(({ kind }) => kind),
      ['rpm', 'tpm', 'rpd'],
    );
  });
});

describe('limits that are typed', () => {
  it('are whole numbers, however they are written', () => {
    const read: [string, number | null | undefined][] = [
      ['', null],
      [' – ', null],
      ['0', null],
      ['1000', 1000],
      ['1 000', 1000],
      ['14,400', 14_400],
      ['5k', 5000],
      ['1.5 M', 1_500_000],
      ['1,5m', 1_500_000],
      ['-3', undefined],
      ['ten', undefined],
      ['1e3', undefined],
      ['9'.repeat(30), undefined],
    ];
    for (const [text, limit] of read) assert.equal(readLimit(text), limit, text);
  });

  it('change one and leave the others', () => {
    assert.deepEqual(changedLimits({ rpm: 2, tpd: 9 }, 'rpm', '3'), { rpm: 3, tpd: 9 });
    assert.deepEqual(changedLimits({ rpm: 2, tpd: 9 }, 'rpm', ''), { tpd: 9 });
    assert.deepEqual(changedLimits({}, 'rpd', '50'), { rpd: 50 });
    for (const text of ['2', 'nonsense']) assert.equal(changedLimits({ rpm: 2 }, 'rpm', text), null);
    assert.equal(changedLimits({}, 'rpm', ''), null);
  });
});

describe('the models of a key', () => {
  it('are all, or those that are chosen, and never none', () => {
    const known = ['a', 'b', 'c'];
    assert.deepEqual(modelScope(known, null, 'b', false), ['a', 'c']);
    assert.equal(modelScope(known, ['a', 'c'], 'b', true), null);
    assert.deepEqual(modelScope(known, ['c'], 'a', true), ['a', 'c']);
    assert.deepEqual(modelScope(known, ['c'], 'c', false), ['c']);
    assert.equal(modelScope(['a'], null, 'a', false), null);
  });
});

describe('a key’s day', () => {
  it('has a bar an hour, that can be seen when there was anything', () => {
    const point = (requests: number, errors: number) => ({ from: 0, requests, errors }) as AnalyticsPoint;
    const bars = barsOf([point(0, 0), point(100, 25), point(1, 1), point(1000, 0)]);
    assert.deepEqual(
      bars.map(({ height, failedHeight }) => [Math.round(height * 10) / 10, Math.round(failedHeight * 10) / 10]),
      [
        [0, 0],
        [4.8, 2],
        [2, 2],
        [48, 0],
      ],
    );
  });
});

describe('the view that is kept', () => {
  it('is read back, and nonsense is not', () => {
    const kept = { search: 'x', filter: 'attention', closed: ['a'], open: ['b'], isMoreOpen: true, scroll: 12 };
    assert.deepEqual(readView(kept), kept);
    const first = { search: '', filter: 'all', closed: [], open: [], isMoreOpen: false, scroll: 0 };
    for (const state of [undefined, null, 3, { search: 1, filter: 'x', closed: 'a', open: [1], scroll: NaN }]) {
      assert.deepEqual(readView(state), first);
    }
  });
});
