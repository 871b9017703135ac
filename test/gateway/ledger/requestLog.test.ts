import assert from 'node:assert/strict';
import fc from 'fast-check';
import { listRequests, readRequest } from '../../../src/gateway/ledger/requestLog.js';
import type { SqlDatabase } from '../../../src/gateway/ledger/sqlite.js';
import { requestsQuery } from '../../../src/protocol/analytics.js';
import {
  attemptRow,
  insertRequest,
  loadLedgerDatabase,
  type OpenDatabase,
  requestRow,
} from '../../support/ledgerRows.js';

const NOW = Date.parse('2026-11-21T13:27:00Z');

describe('request log', () => {
  let open: OpenDatabase;
  before(async () => {
    open = await loadLedgerDatabase();
  });

  /** Every id, page by page, and how many pages it took. Between pages `meanwhile` happens. */
  function walk(database: SqlDatabase, query: Record<string, unknown>, meanwhile: (page: number) => void = () => {}) {
    const ids: string[] = [];
    let pages = 0;
    for (let before: string | null = ''; before !== null; ) {
      const page = listRequests(database, requestsQuery.parse({ ...query, ...(before ? { before } : {}) }));
      ids.push(...page.data.map(({ id }) => id));
      before = page.next;
      meanwhile(++pages);
    }
    return { ids, pages };
  }

  it('lists every row once, newest first, also when many came in the same ms and new ones come meanwhile', () => {
    const rows = fc.uniqueArray(fc.record({ id: fc.stringMatching(/^[a-z.:0-9]{1,6}$/), by: fc.nat({ max: 4 }) }), {
      selector: ({ id }) => id,
      maxLength: 60,
    });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 9 }), fc.boolean(), (facts, limit, isFiltered) => {
        const database = open();
        for (const { id, by } of facts) insertRequest(database, requestRow({ id, at: NOW - by }));
        const query = { limit: String(limit), ...(isFiltered ? { provider: 'groq' } : {}) };
        const { ids } = walk(database, query, (page) => {
          insertRequest(database, requestRow({ id: `new request ${page}`, at: NOW + 1 }));
        });
        const order = facts.toSorted((a, b) => a.by - b.by || (a.id < b.id ? 1 : -1));
        assert.deepEqual(
          ids.filter((id) => !id.startsWith('new')),
          order.map(({ id }) => id),
        );
        database.close();
      }),
      { numRuns: 60 },
    );
  });

  it('filters by who answered, who asked and how it ended', () => {
    const database = open();
    const facts = [
      { id: 'a', client: null },
      { id: 'b', status: 'error' as const, errorCode: 'upstream_failed' },
      { id: 'c', provider: 'google', servedModel: 'gemini' },
      { id: 'd', servedModel: 'openai/gpt-oss' },
    ];
    for (const [by, each] of facts.entries()) insertRequest(database, requestRow({ at: NOW - by, ...each }));
    const idsOf = (query: Record<string, string>) => walk(database, query).ids.join('');
    assert.equal(idsOf({ provider: 'groq' }), 'abd');
    assert.equal(idsOf({ model: 'groq/openai/gpt-oss' }), 'd');
    assert.equal(idsOf({ client: '' }), 'a');
    assert.equal(idsOf({ client: 'curl', provider: 'groq' }), 'bd');
    assert.equal(idsOf({ status: 'error' }), 'b');
    assert.equal(idsOf({ provider: "x' OR 1 --" }), '');
    database.close();
  });

  it('looks at a bounded number of rows for a page, and finds the last one nevertheless', () => {
    const database = open();
    database.transaction(() => {
      insertRequest(database, requestRow({ id: 'rare', at: NOW - 1, provider: 'rare', attempts: [] }));
      const many = requestRow({ id: '', at: NOW, attempts: [] });
      for (let id = 0; id < 25_000; id++)
        insertRequest(database, { ...many, id: `r${id}`, at: NOW + Math.floor(id / 3) });
    });
    assert.deepEqual(walk(database, { provider: 'rare' }), { ids: ['rare'], pages: 3 });
    database.close();
  });

  it('shows a request with its attempts in their order, and null for one that is not there', () => {
    const database = open();
    const attempts = [
      attemptRow({ kind: 'slow', httpStatus: null, keyId: null, startMs: 40, ms: 900 }),
      attemptRow({ ms: 500 }),
    ];
    const route =
      '["balanced",[350,200,300,150],["groq/best",912,970,124,700,90,950,400],["",800,900,0,300,0,500,1000]]';
    insertRequest(database, requestRow({ id: 'a', at: NOW, attempts, profile: 'coding', route }));
    const part = (value: number, weight: number, samples: number | null = null) => ({ value, weight, samples });
    assert.deepEqual(readRequest(database, 'a'), {
      id: 'a',
      at: NOW,
      client: 'curl',
      tokenId: null,
      model: 'auto',
      stream: true,
      status: 'success',
      httpStatus: 200,
      errorCode: null,
      provider: 'groq',
      servedModel: 'llama',
      keyId: 'key_1',
      firstTokenMs: 500,
      totalMs: 1500,
      promptTokens: 10,
      completionTokens: 100,
      attemptCount: 2,
      // What answered ended with the request.
      attempts: [attempts[0], { ...attempts[1], startMs: 1000 }],
      passedOver: [],
      sticky: false,
      handoff: false,
      profile: 'coding',
      strategy: 'balanced',
      scores: [
        {
          model: 'groq/best',
          score: 0.912,
          reliability: part(0.97, 0.35, 12.4),
          speed: part(0.7, 0.2, 9),
          intelligence: part(0.95, 0.3),
          headroom: part(0.4, 0.15),
        },
        {
          model: 'groq/llama',
          score: 0.8,
          reliability: part(0.9, 0.35, 0),
          speed: part(0.3, 0.2, 0),
          intelligence: part(0.5, 0.3),
          headroom: part(1, 0.15),
        },
      ],
    });
    assert.equal(readRequest(database, 'b'), null);
    database.close();
  });
});
