import assert from 'node:assert/strict';
import type { QuotaUse } from '../../src/protocol/events.js';
import { groupsOf, type KeysData } from '../../src/protocol/keyGroups.js';
import { withUses } from '../../src/protocol/quotaUse.js';
import { firstOf } from '../../webview/lib/keys/firstOf.js';
import { withSameRows } from '../../webview/lib/keys/sameRows.js';

const NOW = 1_763_700_000_000;

describe('rows of keys that say what they said before', () => {
  const provider = (id: string) => ({
    ...{ id, name: id, offers: '', baseUrl: '', keyUrl: null, isKeyless: false, hasAccountId: false },
    ...{ keyPattern: null, terms: null, keys: 1, models: 3 },
  });
  const key = (id: string, of: string) => ({
    ...{ id, provider: of, label: id, mask: '…abcd', enabled: true, limits: {}, models: null, isFixed: false },
    health: { status: 'healthy' as const, message: null, checkedAt: NOW },
  });
  const window = (keyId: string, of: string, used: number): QuotaUse => ({
    ...{ id: `${of}#${keyId}`, kind: 'rpd', provider: of, model: null, keyId, used, limit: 100, source: 'catalog' },
    ...{ resetsAt: NOW + 1000, learnedAt: null, lastsUntil: null },
  });
  const data: KeysData = {
    providers: [provider('groq'), provider('mistral')],
    keys: [key('a', 'groq'), key('b', 'groq'), key('c', 'mistral')],
    quota: [window('a', 'groq', 1), window('b', 'groq', 2), window('c', 'mistral', 3)],
    cooldowns: [],
  };
  const groups = (of: KeysData) => groupsOf(of, NOW, new Set());

  it('are the same objects, and so are their groups', () => {
    const before = groups(data);
    const after = withSameRows(before, groups(data));
    assert.equal(after[0], before[0]);
    assert.equal(after[1], before[1]);
  });

  it('are others where a window of the key changed, and only those', () => {
    const before = groups(data);
    const after = withSameRows(before, groups({ ...data, quota: withUses(data.quota, [window('b', 'groq', 9)]) }));
    assert.equal(after[0]?.rows[0], before[0]?.rows[0]);
    assert.equal(after[0]?.rows[1]?.tightest?.used, 9);
    assert.equal(after[0]?.day?.used, 10);
    assert.equal(after[1], before[1]);
  });

  it('are others where the key changed, came or went', () => {
    const before = groups(data);
    const renamed = { ...key('a', 'groq'), label: 'another' };
    const after = withSameRows(before, groups({ ...data, keys: [renamed, key('d', 'groq')] }));
    assert.deepEqual(
      after.map(({ rows }) => rows.map(({ key }) => key.label)),
      [['another', 'd']],
    );
  });
});

describe('the groups of the first screen', () => {
  const groups = [3, 1, 5].map((count) => ({ rows: Array(count).fill(0) }));

  it('are those that fill it, each with its head, and at least one', () => {
    assert.equal(firstOf(groups, 1).length, 1);
    assert.equal(firstOf(groups, 4).length, 1);
    assert.equal(firstOf(groups, 5).length, 2);
    assert.equal(firstOf(groups, 99).length, 3);
    assert.deepEqual(firstOf([], 5), []);
  });
});
