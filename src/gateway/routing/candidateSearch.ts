import type { PassedOverRow } from '../ledger/changes.js';
import { isRefusal, type QuotaDesk, type QuotaPermit } from '../quota/quotaDesk.js';
import type { Cooldowns } from './cooldowns.js';
import type { Failure, FailureKind } from './failure.js';
import { RATE_KINDS } from './failurePolicy.js';
import type { Trial } from './halfOpen.js';
import type { Candidate } from './inventory.js';
import { RequestSkips } from './skips.js';

/** A candidate with its slot in every quota window. */
export interface Taken {
  candidate: Candidate;
  permit: QuotaPermit;
  /** It tries what has rested; null where there is nothing to try. */
  trial: Trial | null;
}

/** Why a candidate cannot be asked now. */
export interface Block {
  candidate: Candidate;
  /** A failure's kind, or the quota window's that is full. */
  kind: string;
  isQuota: boolean;
  /** The window is full by the provider's word, not by our own count alone. */
  isStated?: boolean;
  /** It rested, and another request tries it. */
  isTried?: boolean;
  /** ms since the epoch; null: the request is larger than the window will ever be. */
  until: number | null;
  /** The provider's own words, or ours. */
  message: string;
}

/** One request's way through its candidates. */
export class CandidateSearch {
  private skips = new RequestSkips();
  private notes: Map<Candidate, PassedOverRow> | null = null;
  private soonest: number | null = null;
  /** A window stood in somebody's way in the last `take`. */
  private isFull = false;
  /**
   * With the estimate's margin the request is larger than every limit: better asked and refused than not asked at all.
   */
  private isTight = false;

  constructor(
    private readonly context: { cooldowns: Cooldowns; quota: QuotaDesk },
    /** Those that can take the request, in the order they are to be tried. */
    private readonly candidates: readonly Candidate[],
    private readonly run: {
      needs: { promptTokens: number };
      request: { max_tokens?: number };
      sticky?: { addedTokens(candidate: Candidate): number } | null;
    },
  ) {}

  /** The first, of `only` these providers' where given, that is neither left out, cooling nor full; its slot is then taken. */
  take(only: ReadonlySet<string> | null = null): Taken | null {
    this.soonest = null;
    this.isFull = false;
    const taken = this.takeOf(only, false) ?? (this.skips.hasLast ? this.takeOf(only, true) : null);
    if (taken) return taken;
    if (!this.isFull || this.soonest !== null || this.isTight || only !== null) return null;
    this.isTight = true;
    return this.take();
  }

  private takeOf(only: ReadonlySet<string> | null, isLast: boolean): Taken | null {
    const { cooldowns, quota } = this.context;
    for (const candidate of this.candidates) {
      if (only !== null && !only.has(candidate.provider)) continue;
      if (this.skips.has(candidate) || this.skips.isLast(candidate) !== isLast) continue;
      const cooldown = cooldowns.check(candidate);
      if (cooldown) {
        this.note(candidate, 'cooldown', cooldown.kind, cooldown.until);
        continue;
      }
      const held = cooldowns.held(candidate);
      if (held) {
        this.note(candidate, 'trial', held.cooldown.kind, held.until);
        continue;
      }
      const permit = quota.ask(candidate, this.promptTokens(candidate), this.run.request.max_tokens, this.isTight);
      if (!isRefusal(permit)) return { candidate, permit, trial: cooldowns.enter(candidate) };
      this.isFull = true;
      this.note(candidate, 'quota', permit.kind, permit.until);
    }
    return null;
  }

  /** Who was passed over, and why it was the first time. */
  passedOver(): PassedOverRow[] {
    return this.notes ? [...this.notes.values()] : [];
  }

  /**
   * After a failure, when what it told is learned: a quota window says how many requests may go there. A refusal that the
   * windows do not explain comes of a limit that nobody knows.
   */
  isCounted(kind: FailureKind, candidate: Candidate): boolean {
    const { quota } = this.context;
    if (!RATE_KINDS.has(kind)) return quota.knowsPace(candidate);
    return quota.peek(candidate, this.promptTokens(candidate), this.run.request.max_tokens, this.isTight) !== null;
  }

  private promptTokens(candidate: Candidate): number {
    const { needs, sticky } = this.run;
    return sticky ? needs.promptTokens + sticky.addedTokens(candidate) : needs.promptTokens;
  }

  private note(candidate: Candidate, why: PassedOverRow['why'], kind: string, until: number | null): void {
    if (until !== null && (this.soonest === null || until < this.soonest)) this.soonest = until;
    this.notes ??= new Map();
    const { provider, model, keyId } = candidate;
    if (!this.notes.has(candidate)) this.notes.set(candidate, { provider, model, keyId, why, kind, until });
  }

  /** After a failure: what this request leaves out from now on. */
  skip(failure: Failure, candidate: Candidate): void {
    this.skips.add(failure, candidate);
  }

  /** Before it waits: who only said "later" may be asked again then. */
  forgetSkips(): void {
    this.skips = new RequestSkips();
  }

  /** After a `take` in vain: none of those that were looked at is free before this, ms since the epoch; null when waiting helps nobody. */
  get notBefore(): number | null {
    return this.soonest;
  }

  /** When a candidate is free at the soonest, ms since the epoch; null when waiting helps nobody. */
  freeAt(): number | null {
    let soonest: number | null = null;
    for (const { until } of this.blocks()) if (until !== null && (soonest === null || until < soonest)) soonest = until;
    return soonest;
  }

  /** What stands in the way of each candidate that cannot be asked now. */
  blocks(): Block[] {
    return this.candidates.flatMap((candidate) => this.blockOf(candidate) ?? []);
  }

  private blockOf(candidate: Candidate): Block | null {
    const { cooldowns, quota } = this.context;
    const cooldown = cooldowns.check(candidate);
    const { max_tokens } = this.run.request;
    const refusal = quota.peek(candidate, this.promptTokens(candidate), max_tokens, this.isTight);
    // Both must have ended.
    if (cooldown && !(refusal && (refusal.until === null || refusal.until > cooldown.until))) {
      return { candidate, kind: cooldown.kind, isQuota: false, until: cooldown.until, message: cooldown.message };
    }
    const held = cooldowns.held(candidate);
    if (held && !(refusal && (refusal.until === null || refusal.until > held.until))) {
      const { kind, message } = held.cooldown;
      return { candidate, kind, isQuota: false, isTried: true, until: held.until, message };
    }
    if (!refusal) return null;
    const message = refusal.until === null ? `larger than its ${refusal.kind}` : `its ${refusal.kind} is used up`;
    const { kind, until, isStated } = refusal;
    return { candidate, kind, isQuota: true, isStated, until, message };
  }
}
