import assert from 'node:assert/strict';
import { Hono } from 'hono';
import { type AnalyticsSource, registerAnalyticsRoutes } from '../../../src/gateway/http/analyticsRoutes.js';
import type { Env } from '../../../src/gateway/http/apiRoutes.js';
import { toHttpError } from '../../../src/gateway/http/errors.js';
import type { SqlDatabase } from '../../../src/gateway/ledger/sqlite.js';
import { apiEndpoints, openApiDocument } from '../../../src/protocol/api.js';
import { loadLedgerDatabase, readAnalytics, record, requestRow } from '../../support/ledgerRows.js';

const NOW = Date.parse('2026-11-21T13:27:00Z');

function appOf(source: AnalyticsSource): Hono<Env> {
  const app = new Hono<Env>();
  registerAnalyticsRoutes(app, source);
  app.onError((error) => {
    const httpError = toHttpError(error);
    return Response.json(httpError.toBody(), { status: httpError.status });
  });
  return app;
}

async function errorOf(app: Hono<Env>, path: string): Promise<[number, string, string | null]> {
  const response = await app.request(path);
  const { error } = (await response.json()) as { error: { code: string; param: string | null } };
  return [response.status, error.code, error.param];
}

describe('analytics routes', () => {
  let database: SqlDatabase;
  let app: Hono<Env>;
  before(async () => {
    database = (await loadLedgerDatabase())();
    record(
      database,
      [0, 1, 2].map((by) => requestRow({ id: `req_${by}`, at: NOW - by * 1000 })),
    );
    app = appOf({
      query: (read) => read(database),
      analytics: async (query) => readAnalytics(database, query, NOW),
      priceOf: (model) => (model === 'groq/llama' ? { input: 0.5, output: 2 } : null),
      now: () => NOW,
    });
  });
  after(() => database.close());

  it('answers in the shapes that the description promises', async () => {
    const analytics = await (await app.request('/api/analytics?window=7d')).json();
    assert.deepEqual(apiEndpoints.getAnalytics.output.parse(analytics), analytics);
    assert.deepEqual([analytics.window, analytics.totals.requests, analytics.series.length], ['7d', 3, 168]);
    assert.equal((await (await app.request('/api/analytics')).json()).window, '24h');
    const page = await (await app.request('/api/requests?limit=2')).json();
    assert.deepEqual(apiEndpoints.listRequests.output.parse(page), page);
    const rest = await (await app.request(`/api/requests?limit=2&before=${page.next}`)).json();
    assert.deepEqual(
      [page, rest].map(({ data }) => data.map(({ id }: { id: string }) => id)),
      [['req_0', 'req_1'], ['req_2']],
    );
    assert.equal(rest.next, null);
    const activity = await (await app.request('/api/keys/key_1/activity')).json();
    assert.deepEqual(apiEndpoints.getKeyActivity.output.parse(activity), activity);
    assert.equal(activity.totals.requests, 3);
    const detail = await (await app.request('/api/requests/req_1')).json();
    assert.deepEqual(apiEndpoints.getRequest.output.parse(detail), detail);
    assert.deepEqual(await errorOf(app, '/api/requests/req_9'), [404, 'not_found', null]);
  });

  it('names the parameter that it cannot take', async () => {
    const bad: [string, string][] = [
      ['/api/analytics?window=1y', 'window'],
      ['/api/analytics?windows=7d', 'windows'],
      ['/api/analytics?zone=Mars/Olympus', 'zone'],
      ['/api/analytics?model=llama', 'model'],
      ['/api/requests?limit=0', 'limit'],
      ['/api/requests?limit=501', 'limit'],
      ['/api/requests?limit=', 'limit'],
      ['/api/requests?limit=ten', 'limit'],
      ['/api/requests?before=yesterday', 'before'],
      ['/api/requests?status=fine', 'status'],
    ];
    for (const [path, param] of bad) assert.deepEqual(await errorOf(app, path), [400, 'invalid_request', param], path);
  });

  it('is described with its parameters', () => {
    const paths = openApiDocument('1.0.0')['paths'] as Record<
      string,
      Record<string, { parameters?: { name: string }[] }>
    >;
    const names = (path: string, method: string) => paths[path]?.[method]?.parameters?.map(({ name }) => name);
    assert.deepEqual(names('/api/analytics', 'get'), ['window', 'zone', 'provider', 'model', 'client']);
    assert.deepEqual(names('/api/requests', 'get'), ['limit', 'before', 'provider', 'model', 'client', 'status']);
    assert.deepEqual(names('/api/requests/{id}', 'get'), ['id']);
    assert.deepEqual(names('/api/keys/{id}', 'patch'), ['id']);
    assert.equal(names('/api/keys', 'get'), undefined);
  });
});
