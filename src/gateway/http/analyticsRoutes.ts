import type { Hono } from 'hono';
import type { Analytics, AnalyticsQuery, KeyActivity, RequestDetail, RequestPage } from '../../protocol/analytics.js';
import { type PriceOf, withSavings } from '../catalog/savings.js';
import type { LedgerAnalytics } from '../ledger/analytics.js';
import { readKeyActivity } from '../ledger/keyActivity.js';
import { listRequests, readRequest } from '../ledger/requestLog.js';
import type { SqlDatabase } from '../ledger/sqlite.js';
import type { Env } from './apiRoutes.js';
import { HttpError } from './errors.js';
import { readQuery } from './readQuery.js';

/** What the routes need of the ledger. Both throw HttpError 503 where there is none. */
export interface AnalyticsSource {
  /** Reads what was recorded so far. */
  query<T>(read: (database: SqlDatabase) => T): T;
  analytics(query: AnalyticsQuery): Promise<LedgerAnalytics>;
  /** Of `provider/model`; null where no price is known. */
  priceOf: PriceOf;
  /** ms since the epoch. */
  now(): number;
}

/** Adds what the ledger answers to the admin API. */
export function registerAnalyticsRoutes(routes: Hono<Env>, source: AnalyticsSource): void {
  routes.get('/api/analytics', async (c) => {
    const answer = await source.analytics(readQuery('getAnalytics', c));
    return c.json<Analytics>(withSavings(answer, source.priceOf));
  });
  routes.get('/api/keys/:id/activity', async (c) => {
    return c.json<KeyActivity>(await readKeyActivity(source, c.req.param('id'), source.now()));
  });
  routes.get('/api/requests', (c) => {
    const page = readQuery('listRequests', c);
    return c.json<RequestPage>(source.query((database) => listRequests(database, page)));
  });
  routes.get('/api/requests/:id', (c) => {
    const request = source.query((database) => readRequest(database, c.req.param('id')));
    if (request) return c.json<RequestDetail>(request);
    const message = 'There is no request with this id, or it was too old to keep';
    throw new HttpError(404, 'invalid_request_error', 'not_found', message);
  });
}
