import type { ProvenGateway } from '../../loopback/whois.js';
import { LedgerError } from '../ledger/ledger.js';
import { LOCK_PATIENCE } from '../ledger/lock.js';
import type { Clock } from '../ports.js';

/** Who was found on the port. `gone`: nobody, or somebody who went while asked. */
export type Finding = { kind: 'ours'; leader: ProvenGateway } | { kind: 'stranger' | 'silent' | 'gone'; why: string };

export type ElectionEvent<Leading> =
  /** This one leads, for as long as it lives. */
  | { type: 'leading'; leading: Leading }
  /** Another one leads. Comes again for each leader. */
  | { type: 'following'; leader: ProvenGateway }
  /** Somebody else holds the port; said once, then the port is watched quietly. */
  | { type: 'stranger'; why: string }
  /** A newer version wrote the ledger and none of that version runs; said once, then the port is watched quietly. */
  | { type: 'needs-reload' }
  /** It cannot be, and waiting does not help. The election is over. */
  | { type: 'failed'; error: unknown };

export interface ElectionPorts<Leading> {
  /**
   * Tries to lead: binds the port, opens the ledger. @throws `EADDRINUSE` for a port that is taken, LedgerError, or
   * whatever else hinders it; then nothing is held.
   */
  bind(): Promise<Leading>;
  whois(): Promise<Finding>;
  /** Holds a connection to the leader and calls back once when it is gone. Returns what stops watching. */
  watch(leader: ProvenGateway, gone: () => void): () => void;
  /** Whether a newer version wrote the ledger: then this one may only follow. */
  isLedgerNewer(): Promise<boolean>;
  clock: Clock;
  /** 0 to 1. */
  random(): number;
  on(event: ElectionEvent<Leading>): void;
}

/** Followers that all lose their leader bind at different times. */
const JITTER_MS = 150;
const RETRY_MS = 250;
/** After somebody went: the port is free or about to be taken. */
const SOON_MS = 50;
/** Another leader may be going, or starting, for so long; after it the user is told. */
const PATIENCE_MS = 5_000;
const QUIET_CHECK_MS = 5_000;
/** A leader that is lost sooner never worked. */
const STEADY_MS = 1_000;

export interface Election {
  /** Ends it. What already leads goes on; a bind in progress is the caller's to close. */
  stop(): void;
}

/** Begins to stand for election: leads, or follows whoever does and stands again when that one goes. */
export function startElection<Leading>(ports: ElectionPorts<Leading>): Election {
  const candidate = new Candidate(ports);
  candidate.seek();
  return { stop: () => candidate.stop() };
}

class Candidate<Leading> {
  private isOver = false;
  private seekingSince = 0;
  /** The trouble that was told, until it ends. */
  private told: 'stranger' | 'needs-reload' | null = null;
  private cancelTimer = () => {};
  private unwatch = () => {};

  constructor(private readonly ports: ElectionPorts<Leading>) {}

  seek(): void {
    this.seekingSince = this.ports.clock.now();
    void this.attempt();
  }

  stop(): void {
    this.isOver = true;
    this.cancelTimer();
    this.unwatch();
  }

  private async attempt(): Promise<void> {
    let mayLead = !(await this.ports.isLedgerNewer());
    if (this.isOver) return;
    if (mayLead) {
      try {
        const leading = await this.ports.bind();
        if (this.isOver) return;
        this.isOver = true;
        this.ports.on({ type: 'leading', leading });
        return;
      } catch (error) {
        if (this.isOver) return;
        if (error instanceof LedgerError && error.kind === 'locked') return this.retryLocked(error);
        if (error instanceof LedgerError && error.kind === 'newer') mayLead = false;
        else if (codeOf(error) !== 'EADDRINUSE') return this.fail(error);
      }
    }
    const finding = await this.ports.whois();
    if (this.isOver) return;
    if (finding.kind === 'ours') this.follow(finding.leader);
    else if (finding.kind === 'gone' && !mayLead) this.wait('needs-reload', finding);
    else this.wait('stranger', finding);
  }

  /** The leader before may still be writing; one that never lets go is an error. */
  private retryLocked(error: LedgerError): void {
    if (this.patienceLeft(LOCK_PATIENCE.unknown) <= 0) this.fail(error);
    else this.later(RETRY_MS);
  }

  private follow(leader: ProvenGateway): void {
    const { clock, random } = this.ports;
    const since = clock.now();
    this.told = null;
    this.unwatch = this.ports.watch(leader, () => {
      if (this.isOver) return;
      const jitter = random() * JITTER_MS;
      const isSteady = clock.now() - since >= STEADY_MS;
      // Who never worked gets no new patience, or nobody would ever hear of it.
      if (isSteady) this.seekingSince = clock.now();
      this.later(isSteady ? jitter : RETRY_MS + jitter);
    });
    this.ports.on({ type: 'following', leader });
  }

  private wait(trouble: 'stranger' | 'needs-reload', { kind, why }: Extract<Finding, { why: string }>): void {
    if (this.told !== null || this.patienceLeft() <= 0) {
      if (this.told !== trouble) this.ports.on(trouble === 'stranger' ? { type: 'stranger', why } : { type: trouble });
      this.told = trouble;
      this.later(QUIET_CHECK_MS);
    } else this.later(kind === 'gone' ? SOON_MS : RETRY_MS);
  }

  private patienceLeft(patienceMs = PATIENCE_MS): number {
    return this.seekingSince + patienceMs - this.ports.clock.now();
  }

  private fail(error: unknown): void {
    this.isOver = true;
    this.ports.on({ type: 'failed', error });
  }

  private later(ms: number): void {
    this.cancelTimer = this.ports.clock.after(ms, () => void this.attempt());
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
