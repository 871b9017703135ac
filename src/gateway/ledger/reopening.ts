import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Log } from '../ports.js';
import { LedgerError, type LedgerNotice } from './ledger.js';
import type { KeptLedger, LedgerOrigin } from './openLedger.js';
import type { UnkeptLedger } from './unkeptLedger.js';

/** What hinders is nearly always the first small write: a try costs next to nothing. */
const RETRY_MS = 5_000;
/** Changes that are handed over in one turn of the loop. */
const TURN_CHANGES = 500;

export interface ReopeningPorts {
  clock: Clock;
  log: Log;
  /** One try. @throws LedgerError */
  open(): Promise<KeptLedger>;
  /** From now on everything goes to that ledger. */
  use(ledger: KeptLedger): void;
  onNotice(notice: LedgerNotice): void;
}

/**
 * Tries to open a ledger whose folder could not be used at the start, until it can. Then what was counted in memory
 * meanwhile is added to what the file has. A file that is not as it was read at the start is left alone: counts in memory
 * do not continue it.
 */
export class Reopening {
  private cancel: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();
  private isOver = false;

  constructor(
    private readonly ports: ReopeningPorts,
    private readonly unkept: UnkeptLedger,
    /** What was said last. */
    private told: string,
  ) {
    this.arm();
  }

  /** Tries no more, and waits for a try that is under way. */
  async stop(): Promise<void> {
    this.isOver = true;
    this.cancel();
    await this.running;
  }

  private arm(): void {
    if (this.isOver) return;
    this.cancel = this.ports.clock.after(RETRY_MS, () => {
      this.running = this.attempt();
    });
  }

  private async attempt(): Promise<void> {
    let ledger: KeptLedger | null = null;
    try {
      ledger = await this.ports.open();
      // An empty file can be made on a disk that takes no more bytes.
      await ledger.flush();
    } catch (error) {
      await ledger?.close();
      this.failed(error);
      return;
    }
    if (isContinued(this.unkept.origin, ledger.origin)) {
      await this.handOver(ledger);
      return;
    }
    await ledger.close();
    this.giveUp('The database can be used again, but it is not as it was when this gateway started: restart FreeLLM.');
  }

  private failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof LedgerError && error.kind === 'newer') {
      this.giveUp(`${message} Then restart it.`);
      return;
    }
    this.ports.log.log('debug', 'ledger', 'the data folder still cannot be used', { why: message });
    if (error instanceof LedgerError && message !== this.told) {
      this.told = message;
      this.ports.onNotice({ kind: 'unusable', message, file: null });
    }
    this.arm();
  }

  private giveUp(message: string): void {
    this.isOver = true;
    this.ports.onNotice({ kind: 'stopped', message, file: null });
  }

  private async handOver(ledger: KeptLedger): Promise<void> {
    for (;;) {
      const changes = this.unkept.takeBacklog(TURN_CHANGES);
      for (const change of changes) ledger.append(change);
      if (changes.length < TURN_CHANGES) break;
      await nextTurn();
    }
    // In the turn that took the last change: none is lost in between.
    this.ports.use(ledger);
    await this.unkept.close();
    this.isOver = true;
    try {
      await ledger.flush();
      this.ports.log.log('info', 'ledger', 'the data folder can be used: what was counted in memory is saved');
      this.ports.onNotice({ kind: 'saving-again', message: 'FreeLLM can save again.', file: null });
    } catch {
      // From here on the ledger itself tries again, and tells.
    }
  }
}

/** Whether what was counted since `then` continues what is there now. */
function isContinued(then: LedgerOrigin, now: NonNullable<LedgerOrigin>): boolean {
  if (then === null || then.seq === 0) return now.seq === 0;
  return now.seq === then.seq && now.databaseId === then.databaseId;
}
