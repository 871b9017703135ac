import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Hono } from 'hono';
import type { Analytics, KeyActivity, RequestDetail, RequestPage } from '../../protocol/analytics.js';
import { analyticsSteps } from '../ledger/analytics.js';
import { keyActivitySteps } from '../ledger/keyActivity.js';
import { listRequests, readRequest } from '../ledger/requestLog.js';
import type { SqlDatabase } from '../ledger/sqlite.js';
import type { Env } from './apiRoutes.js';
import { HttpError } from './errors.js';
import { readQuery } from './readQuery.js';

/** What the routes need of the ledger. */
export interface AnalyticsSource {
  /** Reads what was recorded so far. @throws HttpError 503 where there is no ledger. */
  query<T>(read: (database: SqlDatabase) => T): T;
  /** ms since the epoch. */
  now(): number;
}

/** Adds what the ledger answers to the admin API. */
export function registerAnalyticsRoutes(routes: Hono<Env>, source: AnalyticsSource): void {
  routes.get('/api/analytics', async (c) => {
    const { window } = readQuery('getAnalytics', c);
    const steps = source.query((database) => analyticsSteps(database, window, source.now()));
    return c.json<Analytics>(await walk(source, steps));
  });
  routes.get('/api/keys/:id/activity', async (c) => {
    const steps = source.query((database) => keyActivitySteps(database, c.req.param('id'), source.now()));
    return c.json<KeyActivity>(await walk(source, steps));
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

/** Walks through a long reading, letting others run between its steps. */
async function walk<T>(source: AnalyticsSource, steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = source.query(() => steps.next());
    if (step.done) return step.value;
    await nextTurn();
  }
}
