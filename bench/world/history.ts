/** A history that such keys could have: requests of some weeks, health, what is used of today. */
import { createHash } from 'node:crypto';
import type { AttemptRow, LedgerChange, MeasurementRow, RequestRow } from '../../src/gateway/ledger/changes.js';
import type { ChainModel } from '../../src/protocol/chain.js';
import type { KeyView } from '../../src/protocol/keys.js';
import type { Known } from './world.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = DAY_MS / 24;
const CLIENTS = ['Cline', 'Continue', 'Zed', 'curl', 'OpenAI/Python', 'aider'];
/** How busy each hour of a day is. */
const HOURS = [1, 0, 0, 0, 0, 1, 2, 5, 9, 12, 12, 10, 6, 9, 12, 13, 11, 9, 6, 5, 6, 7, 5, 3];

/** Numbers that look drawn and are the same in every run. */
function noiseOf(name: string): (count: number) => number {
  const bytes = createHash('sha256').update(name).digest();
  let at = 0;
  return (count) => {
    at = (at + 2) % 32;
    return bytes.readUInt16LE(at) % count;
  };
}

interface Route {
  key: KeyView;
  model: ChainModel;
}

/** Requests are answered by the first models of the chain, most of them by the very first. */
function routesOf({ keys, chain }: Known): Route[] {
  const routes = chain
    .filter(({ enabled }) => enabled)
    .slice(0, 60)
    .flatMap((model) => {
      const key = keys.find(({ provider, enabled }) => enabled && provider === model.provider);
      return key === undefined ? [] : [{ key, model }];
    });
  if (routes.length === 0) throw new Error('no key can ask any model');
  return routes;
}

/** So many requests over so many days, the health of the keys, the use of today and what was measured of the models. */
export function* historyOf(known: Known, requests: number, days: number, nowMs: number): Generator<LedgerChange> {
  const routes = routesOf(known);
  for (let at = 0; at < requests; at += 1) {
    yield { type: 'request', row: requestRow(at, timeOf(at / requests, days, nowMs), routes) };
  }
  for (const { id, provider, health } of known.keys) {
    if (health.status !== 'unknown') continue;
    const checkedAt = nowMs - noiseOf(id)(50) * 60_000;
    yield { type: 'key', key: { id, provider, health: 'healthy', healthMessage: null, checkedAt } };
  }
  yield { type: 'quota', windows: known.quota.flatMap((use) => usedOf(use, nowMs)) };
  const asked = new Map(routes.map(({ model }) => [model.model, model]));
  yield { type: 'measurements', rows: [...asked.keys()].map((model) => measured(model, nowMs)) };
}

/** Most of a day's requests come by day. The last day is the one that ends now. */
function timeOf(part: number, days: number, nowMs: number): number {
  const whole = Math.floor(part * days);
  const begun = nowMs - (days - whole) * DAY_MS;
  const sum = HOURS.reduce((total, each) => total + each, 0);
  let rest = (part * days - whole) * sum;
  const first = new Date(begun).getHours();
  for (let hour = 0; hour < 24; hour += 1) {
    const weight = HOURS[(first + hour) % 24] ?? 1;
    if (rest < weight) return Math.round(begun + (hour + rest / weight) * HOUR_MS);
    rest -= weight;
  }
  return nowMs - 1;
}

function requestRow(number: number, at: number, routes: readonly Route[]): RequestRow {
  const noise = noiseOf(`request ${number}`);
  const at1 = Math.min(noise(routes.length), noise(routes.length), noise(routes.length));
  const { key, model } = routes[at1] ?? (routes[0] as Route);
  const tried = routes[noise(Math.min(6, routes.length))] as Route;
  const firstTokenMs = 180 + noise(400) + noise(3) * noise(500);
  const completionTokens = 20 + noise(300) + noise(4) * noise(400);
  const totalMs = firstTokenMs + completionTokens * (3 + noise(9));
  const kind = (['rate_limit', 'overloaded', 'slow'] as const)[noise(3)] ?? 'slow';
  const isFailed = noise(120) === 0;
  const failed: AttemptRow[] =
    noise(11) === 0 || isFailed
      ? [
          {
            ...placeOf(tried),
            kind,
            httpStatus: kind === 'slow' ? null : kind === 'overloaded' ? 503 : 429,
            ms: 60 + noise(300),
          },
        ]
      : [];
  const answered = { ...placeOf({ key, model }), kind: null, httpStatus: 200, ms: totalMs };
  return {
    id: `req_${createHash('md5').update(`request ${number}`).digest('hex').slice(0, 24)}`,
    at,
    client: CLIENTS[Math.min(noise(6), noise(6))] ?? null,
    tokenId: null,
    model: ['auto', 'auto', 'auto:fastest', model.model][noise(4)] ?? 'auto',
    isStream: noise(5) > 0,
    status: isFailed ? 'error' : 'success',
    httpStatus: isFailed ? 429 : 200,
    errorCode: isFailed ? 'rate_limited' : null,
    provider: isFailed ? null : model.provider,
    servedModel: isFailed ? null : model.id,
    keyId: isFailed ? null : key.id,
    firstTokenMs: isFailed ? null : firstTokenMs,
    totalMs: isFailed ? 400 : totalMs,
    promptTokens: 600 + noise(9000),
    completionTokens: isFailed ? null : completionTokens,
    attempts: isFailed ? failed : [...failed, answered],
  };
}

function placeOf({ key, model }: Route): Pick<AttemptRow, 'provider' | 'model' | 'keyId'> {
  return { provider: model.provider, model: model.id, keyId: key.id };
}

type Use = Known['quota'][number];

/** Of most windows of a day something is used, of a few nearly all. */
function usedOf({ id, kind, provider, model, keyId, limit, resetsAt, used: before }: Use, nowMs: number) {
  if ((kind !== 'rpd' && kind !== 'tpd') || limit === null || before > 0) return [];
  const noise = noiseOf(id);
  const share = [0, 0.04, 0.12, 0.22, 0.35, 0.41, 0.58, 0.74, 0.93][noise(9)] ?? 0;
  const used = Math.round(limit * share * (0.9 + noise(20) / 100));
  if (used === 0) return [];
  const endsAt = Math.max(resetsAt + 1000, nowMs + 9 * HOUR_MS);
  return [{ id, kind, provider, model, keyId, startsAt: 0, endsAt, used } as const];
}

function measured(model: string, nowMs: number): MeasurementRow {
  const noise = noiseOf(model);
  const weight = 4 + noise(30);
  const first = Math.log(180 + noise(900));
  const rate = Math.log(40 + noise(400));
  const sums = { firstLog: first * weight, firstWeight: weight, rateLog: rate * weight, rateWeight: weight };
  return { model, at: nowMs, good: weight, bad: noise(12) / 4, ...sums };
}
