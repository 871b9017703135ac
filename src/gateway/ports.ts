import type { UpstreamClient } from './net/upstream.js';

/** Everything the gateway takes from outside. Tests pass fakes. */
export interface GatewayPorts {
  clock: Clock;
  log: Log;
  /** Outbound HTTP; made by `createUpstreamClient` unless a test brings its own. */
  upstream?: UpstreamClient;
  /** Random bytes for ids and tokens, as lower-case hex; `node:crypto` by default. */
  randomHex?(bytes: number): string;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * Milliseconds since some moment in the past, unmoved by setting the clock; need not count a machine's sleep.
   * Without it, going back is the only jump of `now` that is noticed.
   */
  monotonic?(): number;
  /** Like setTimeout; the returned function cancels. Timers do not keep the process alive. */
  after(ms: number, run: () => void): () => void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Fields never hold keys, tokens, prompts or completions; the logger redacts what looks like a key anyway. */
export interface Log {
  log(level: LogLevel, component: string, message: string, fields?: Record<string, unknown>): void;
}
