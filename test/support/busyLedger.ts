import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RequestRow } from '../../src/gateway/ledger/changes.js';
import { nodeStorage } from '../../src/gateway/ledger/nodeStorage.js';
import { openLedger } from '../../src/gateway/ledger/openLedger.js';
import { Rollups } from '../../src/gateway/ledger/rollups.js';
import { randomHex } from '../../src/gateway/randomIds.js';
import { systemClock } from './gateway.js';
import { wasmFile } from './ledger.js';
import { attemptRow, requestRow } from './ledgerRows.js';

const DAY = 24 * 3_600_000;

const MODELS = [
  { provider: 'groq', model: 'llama-3.3-70b-versatile', keyId: 'key_groq' },
  { provider: 'groq', model: 'openai/gpt-oss-120b', keyId: 'key_groq' },
  { provider: 'google', model: 'gemini-2.5-flash', keyId: 'key_google' },
  { provider: 'cerebras', model: 'gpt-oss-120b', keyId: 'key_cerebras' },
  { provider: 'mistral', model: 'mistral-large-latest', keyId: 'key_mistral' },
  { provider: 'openrouter', model: 'qwen/qwen3-coder:free', keyId: 'key_openrouter' },
  { provider: 'nvidia', model: 'meta/llama-3.3-70b-instruct', keyId: 'key_nvidia' },
  { provider: 'cohere', model: 'command-a-03-2025', keyId: 'key_cohere' },
  { provider: 'custom:lab', model: 'llama', keyId: null },
];

/** The same numbers each time: a linear congruential generator (Numerical Recipes' constants). */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Writes so many requests over the 30 days before `now` into the ledger of a data folder, as the gateway would have. */
export async function fillLedger(folder: string, count: number, now: number): Promise<void> {
  const log = { log: () => undefined };
  const ledger = await openLedger(
    { storage: nodeStorage, clock: systemClock, log, randomHex },
    { folder, wasmFile, onNotice: ({ message }) => console.error(message), newSums: () => new Rollups() },
  );
  const pick = seeded(11);
  for (let done = 0; done < count; done += 500) {
    for (let index = done; index < Math.min(done + 500, count); index += 1) {
      const at = Math.round(now - 30 * DAY + ((index + 1) * 30 * DAY) / (count + 1));
      ledger.append({ type: 'request', row: busyRow(index, at, pick) });
    }
    ledger.query((database) => database.row('SELECT 1'));
    await nextTurn();
  }
  await ledger.close();
}

function busyRow(index: number, at: number, pick: (below: number) => number): RequestRow {
  const one = <T>(values: readonly T[]): T => values[pick(values.length)] as T;
  const status = pick(40) === 0 ? 'error' : pick(60) === 0 ? 'canceled' : 'success';
  const served = status === 'error' ? null : one(MODELS);
  const failed =
    pick(9) === 0 || status === 'error' ? [attemptRow({ ...one(MODELS), kind: one(['rate_limit', 'slow']) })] : [];
  const firstTokenMs = status === 'error' ? null : 120 + pick(900) + (pick(20) === 0 ? pick(9_000) : 0);
  return requestRow({
    id: `req_${String(index).padStart(8, '0')}`,
    at,
    client: one(['cline', 'cline', 'Continue', 'OpenAI', 'curl', null]),
    isStream: pick(5) > 0,
    status,
    httpStatus: status === 'error' ? 502 : 200,
    errorCode: status === 'error' ? 'upstream_error' : null,
    provider: served?.provider ?? null,
    servedModel: served?.model ?? null,
    keyId: served?.keyId ?? null,
    firstTokenMs,
    totalMs: (firstTokenMs ?? 500) + pick(12_000),
    promptTokens: served === null ? null : 200 + pick(9_000),
    completionTokens: served === null ? null : 10 + pick(900),
    attempts: [
      ...failed,
      ...(served === null ? [] : [attemptRow({ ...served, kind: status === 'canceled' ? 'canceled' : null })]),
    ],
  });
}
