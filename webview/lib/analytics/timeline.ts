import type { AttemptView, RequestDetail } from '../../../src/protocol/analytics.js';

export type BarKind = 'waited' | 'failed' | 'canceled' | 'beforeFirst' | 'answering';

/** A stretch of a request's time, in ms from its arrival. */
export interface TimelineBar {
  kind: BarKind;
  from: number;
  to: number;
}

/** One line of the timeline: an attempt, or the waiting before it. */
export interface TimelineLine {
  /** null: it waited. */
  attempt: AttemptView | null;
  bars: TimelineBar[];
}

/** Less than this between two attempts is the gateway's own work, not waiting. */
const SHORTEST_WAIT_MS = 20;

type Timed = Pick<RequestDetail, 'attempts' | 'totalMs' | 'firstTokenMs' | 'stream'>;

/** What happened when, line by line; waiting is told where it can be seen, that is between attempts whose times are known. */
export function timelineOf({ attempts, totalMs, firstTokenMs, stream }: Timed): TimelineLine[] {
  const lines: TimelineLine[] = [];
  let reached = 0;
  for (const attempt of attempts) {
    const from = Math.min(attempt.startMs ?? reached, totalMs);
    if (from - reached >= SHORTEST_WAIT_MS) {
      lines.push({ attempt: null, bars: [{ kind: 'waited', from: reached, to: from }] });
    }
    const to = Math.max(from, Math.min(from + attempt.ms, totalMs));
    lines.push({ attempt, bars: barsOf(attempt, from, to, stream ? firstTokenMs : null) });
    reached = to;
  }
  if (totalMs - reached >= SHORTEST_WAIT_MS && attempts.at(-1)?.kind !== null) {
    lines.push({ attempt: null, bars: [{ kind: 'waited', from: reached, to: totalMs }] });
  }
  return lines;
}

function barsOf({ kind }: AttemptView, from: number, to: number, firstTokenMs: number | null): TimelineBar[] {
  if (kind !== null && kind !== 'canceled') return [{ kind: 'failed', from, to }];
  const end = kind === null ? ('answering' as const) : ('canceled' as const);
  if (firstTokenMs === null || firstTokenMs <= from || firstTokenMs >= to) return [{ kind: end, from, to }];
  return [
    { kind: 'beforeFirst', from, to: firstTokenMs },
    { kind: end, from: firstTokenMs, to },
  ];
}
