import assert from 'node:assert/strict';
import type { RequestView } from '../../src/protocol/analytics.js';
import { ApiClient } from '../../src/protocol/apiClient.js';
import type { ExportRequest } from '../../src/protocol/pages.js';
import { csvOf, exportName, jsonOf, readRequests } from '../../src/vscode/requestExport.js';

const NOW = Date.parse('2026-11-21T13:27:00Z');
const FROM = NOW - 1_000;

function request(more: Partial<RequestView>): RequestView {
  return {
    id: 'req_1',
    at: NOW,
    client: 'cline',
    tokenId: null,
    model: 'auto',
    stream: true,
    status: 'success',
    httpStatus: 200,
    errorCode: null,
    provider: 'groq',
    servedModel: 'llama',
    keyId: 'key_1',
    firstTokenMs: 120,
    totalMs: 900,
    promptTokens: 10,
    completionTokens: null,
    attemptCount: 1,
    ...more,
  };
}

/** The cells of a CSV by RFC 4180, read by other code than wrote it. */
function cellsOf(csv: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
    if (end === '') break;
  }
  return rows.filter((row) => row.join('') !== '');
}

/** A gateway with so many requests, a ms apart, the newest first; every third page is empty, as filters may leave it. */
function gatewayWith(count: number, paths: string[]): ApiClient {
  let pages = 0;
  let given = 0;
  return new ApiClient(async ({ path }) => {
    paths.push(path);
    if (path.startsWith('/api/analytics')) return { from: FROM, to: NOW + 1 };
    pages += 1;
    if (pages % 3 === 2) return { data: [], next: `${NOW - given}.x` };
    const data = Array.from({ length: Math.min(500, count - given) }, (_, index) =>
      request({ id: `req_${given + index}`, at: NOW - given - index }),
    );
    given += data.length;
    return { data, next: given < count ? `${NOW - given}.x` : null };
  });
}

describe('the export of requests', () => {
  const what: ExportRequest = { format: 'csv', window: '7d', client: '' };

  it('has every request of the window, page by page, and none before it', async () => {
    const paths: string[] = [];
    const counts: number[] = [];
    const signal = new AbortController().signal;
    const found = await readRequests(gatewayWith(5_000, paths), what, {
      signal,
      onRead: (count) => counts.push(count),
    });
    assert.deepEqual(
      found.requests.map(({ id }) => id),
      Array.from({ length: 1_001 }, (_, index) => `req_${index}`),
    );
    assert.ok(paths.length < 8, 'it stops where the window begins');
    assert.deepEqual(paths.slice(0, 2), ['/api/analytics?window=7d', '/api/requests?limit=500&client=']);
    assert.match(paths[2] ?? '', /&client=&before=\d+\.x$/);
    assert.equal(counts.at(-1), 1_001);
  });

  it('ends where the log does', async () => {
    const signal = new AbortController().signal;
    const found = await readRequests(gatewayWith(3, []), what, { signal, onRead: () => undefined });
    assert.equal(found.requests.length, 3);
  });

  it('is CSV that comes back as it was, whatever the names', () => {
    const names = ['a,b', 'say "hi"', 'two\r\nlines', '', ' spaced ', '\u202Eevil', '名前'];
    const csv = csvOf(names.map((model) => request({ model })));
    assert.ok(csv.startsWith('\uFEFFtime,client,asked,'));
    const [, ...rows] = cellsOf(csv.slice(1));
    assert.deepEqual(
      rows.map((row) => row[2]),
      names,
    );
    assert.deepEqual(rows[0]?.slice(0, 2), ['2026-11-21T13:27:00.000Z', 'cline']);
    assert.deepEqual(new Set(rows.map(({ length }) => length)), new Set([16]));
  });

  it('holds no formula where semicolons part the cells', () => {
    for (const name of ['x;=1+1;', 'x;"=1+1', 'x; =1', 'x\n=1+1', 'x\r\n@SUM(A1)']) {
      const csv = csvOf([request({ client: name, model: name })]);
      for (const cell of csv.split(/[;\r\n]/)) assert.doesNotMatch(cell, /^["\s]*[=+\-@]/);
    }
    assert.ok(csvOf([request({ model: 'a;b' })]).includes(',a;b,'));
  });

  it('holds no formula', () => {
    const names = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', "=cmd|' /C calc'!A0"];
    const [, ...rows] = cellsOf(
      csvOf(names.map((client) => request({ client, model: client, servedModel: client }))).slice(1),
    );
    for (const [index, row] of rows.entries())
      assert.deepEqual(
        [row[1], row[2], row[4]],
        Array.from({ length: 3 }, () => `'${names[index]}`),
      );
  });

  it('is JSON with what it is of', () => {
    const requests = [request({})];
    const json = JSON.parse(jsonOf({ ...what, format: 'json' }, { from: FROM, to: NOW, requests }));
    assert.deepEqual(json, { window: '7d', client: '', from: FROM, to: NOW, requests });
    assert.equal(exportName({ ...what, format: 'json' }), 'freellm-requests-7d.json');
  });
});
