import type { Clock } from '../../ports.js';
import type { Candidate } from '../inventory.js';

/** How full the windows of a key are. */
export interface KeyLoad {
  /** The share of its quota that is left, 0 to 1. */
  headroom(candidate: Candidate): number;
  /** Requests it had today; tells keys apart whose limits nobody knows. */
  usedToday(candidate: Candidate): number;
}

interface Key {
  candidate: Candidate;
  /** Where the configuration has it. */
  position: number;
  left: number;
  used: number;
}

interface Group {
  keys: Key[];
  /** When all of its keys were last looked at, ms since the epoch. */
  at: number;
}

/** The keys of a model in use are all looked at again after so long: windows open by themselves. */
const LOOK_AGAIN_MS = 1000;
/** Whoever missed more changes than this takes everything anew. */
const MAX_CHANGES = 256;

/**
 * The keys of each model, the least used first, so that no key is burned while another rests. Only models with several
 * keys are in it; a use costs a look at that one key.
 */
export class KeySpread {
  /** Names of models whose keys changed their order, oldest first. */
  readonly changes: string[] = [];
  /** Rises when `changes` begins anew. */
  epoch = 0;
  private readonly groups = new Map<string, Group>();

  constructor(
    models: ReadonlyMap<string, readonly Candidate[]>,
    private readonly load: KeyLoad,
    private readonly clock: Clock,
  ) {
    for (const [name, candidates] of models) {
      if (candidates.length < 2) continue;
      const keys = candidates.map((candidate, position) => ({ candidate, position, left: 1, used: 0 }));
      this.groups.set(name, { keys, at: Number.NEGATIVE_INFINITY });
    }
  }

  has(name: string): boolean {
    return this.groups.has(name);
  }

  /** The keys of a model, in the order in which they are to be asked; undefined for one with a single key. */
  keysOf(name: string): readonly Candidate[] | undefined {
    const group = this.groups.get(name);
    if (!group) return undefined;
    if (group.at === Number.NEGATIVE_INFINITY) this.lookAtAll(group);
    return group.keys.map(({ candidate }) => candidate);
  }

  /** A request was given to the candidate, or has ended there. */
  used(candidate: Candidate): void {
    const group = this.groups.get(candidate.name);
    if (!group) return;
    if (this.clock.now() - group.at >= LOOK_AGAIN_MS) this.lookAtAll(group);
    else {
      const key = group.keys.find((one) => one.candidate === candidate);
      if (key) this.look(key);
      group.keys.sort(byUse);
    }
    if (this.changes.length >= MAX_CHANGES) {
      this.changes.length = 0;
      this.epoch++;
    }
    this.changes.push(candidate.name);
  }

  private lookAtAll(group: Group): void {
    for (const key of group.keys) this.look(key);
    group.keys.sort(byUse);
    group.at = this.clock.now();
  }

  private look(key: Key): void {
    key.left = this.load.headroom(key.candidate);
    key.used = this.load.usedToday(key.candidate);
  }
}

function byUse(a: Key, b: Key): number {
  return b.left - a.left || a.used - b.used || a.position - b.position;
}
