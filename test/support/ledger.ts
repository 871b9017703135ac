import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { TransactionSums } from '../../src/gateway/ledger/apply.js';
import type { LedgerChange, RequestRow } from '../../src/gateway/ledger/changes.js';
import type { LedgerNotice } from '../../src/gateway/ledger/ledger.js';
import type { LockPatience } from '../../src/gateway/ledger/lock.js';
import { type OpenLedger, openLedger } from '../../src/gateway/ledger/openLedger.js';
import type { ProcessIdentity } from '../../src/gateway/ledger/processIdentity.js';
import type { SqlDatabase } from '../../src/gateway/ledger/sqlite.js';
import type { StoragePort } from '../../src/gateway/ledger/storage.js';
import type { Log } from '../../src/gateway/ports.js';
import { createManualClock, type ManualClock } from './manualClock.js';

export const wasmFile = path.resolve(import.meta.dirname, '../../node_modules/sql.js/dist/sql-wasm.wasm');

/** An open ledger with what it stands on. */
export interface LedgerBed {
  ledger: OpenLedger;
  clock: ManualClock;
  notices: LedgerNotice[];
  lines: string[];
}

export interface LedgerBedOptions {
  folder?: string;
  clock?: ManualClock;
  identity?: ProcessIdentity;
  lockPatience?: LockPatience;
}

/** Ids that differ from one opening to the next. */
let opened = 0;

/** Opens a ledger on a disk. Each opening plays a process of its own, whose predecessors are dead. */
export async function openBed(storage: StoragePort, options: LedgerBedOptions = {}): Promise<LedgerBed> {
  const clock = options.clock ?? createManualClock();
  const notices: LedgerNotice[] = [];
  const lines: string[] = [];
  const log: Log = {
    log: (level, _component, message, fields) =>
      void lines.push(`${level} ${message}${fields ? ` ${JSON.stringify(fields)}` : ''}`),
  };
  const pid = ++opened;
  const identity = options.identity ?? processOf(pid);
  const randomHex = (bytes: number) => Buffer.alloc(bytes, pid).toString('hex');
  const { folder = '/ledger', lockPatience = { live: 0, unknown: 0 } } = options;
  const ledger = await openLedger(
    { storage, clock, log, randomHex, identity },
    { folder, wasmFile, lockPatience, onNotice: (notice) => notices.push(notice), newSums: () => new CountedSums() },
  );
  return { ledger, clock, notices, lines };
}

/** A process on this machine; `alive` are those that run. */
export function processOf(pid: number, alive: readonly number[] = [], hostname = 'here'): ProcessIdentity {
  return {
    pid,
    hostname,
    startOf: async (id) => (id === pid || alive.includes(id) ? `start-${id}` : null),
    isAlive: (id) => id === pid || alive.includes(id),
  };
}

/** Lets everything run that waits for no timer, on a disk in memory. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
}

/** Counts requests alone, where the roll-ups would. */
class CountedSums implements TransactionSums {
  private count = 0;

  add(): void {
    this.count += 1;
  }

  flush(database: SqlDatabase): void {
    if (this.count === 0) return;
    database.run(
      `INSERT INTO rollups VALUES ('hour', 'total', 0, '', ?, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL)
       ON CONFLICT DO UPDATE SET requests = requests + excluded.requests`,
      [this.count],
    );
  }
}

export function requestRow(id: string, more: Partial<RequestRow> = {}): RequestRow {
  return {
    id,
    at: Date.UTC(2026, 10, 21, 12),
    client: 'cline/3.2',
    tokenId: null,
    model: 'auto',
    isStream: true,
    status: 'success',
    httpStatus: 200,
    errorCode: null,
    provider: 'groq',
    servedModel: 'llama-3.3-70b-versatile',
    keyId: 'k1',
    firstTokenMs: 120,
    totalMs: 900,
    promptTokens: 100,
    completionTokens: 20,
    attempts: [
      { provider: 'gemini', model: 'gemini-2.5-flash', keyId: 'k2', kind: 'rate_limit', httpStatus: 429, ms: 80 },
      { provider: 'groq', model: 'llama-3.3-70b-versatile', keyId: 'k1', kind: null, httpStatus: 200, ms: 820 },
    ],
    ...more,
  };
}

export function keyChange(id: string): LedgerChange {
  return { type: 'key', key: { id, provider: 'groq', health: 'healthy', healthMessage: null, checkedAt: 1_000 } };
}

export const request = (id: string): LedgerChange => ({ type: 'request', row: requestRow(id) });
export const setting = (name: string, value: unknown = true): LedgerChange => ({ type: 'setting', name, value });

export function quota(used: number, startsAt = 1_000, endsAt = Number.MAX_SAFE_INTEGER): LedgerChange {
  const window = { id: 'groq/k1', kind: 'rpd' as const, provider: 'groq', model: null, keyId: 'k1', startsAt, endsAt };
  return { type: 'quota', windows: [{ ...window, used }] };
}

/** The single value that a query gives. */
export function value(ledger: OpenLedger, sql: string): unknown {
  return ledger.query((database) => database.row(sql)?.[0]);
}
