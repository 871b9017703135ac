import type { Failure } from './failure.js';
import { FAILURE_POLICY } from './failurePolicy.js';
import type { Candidate } from './inventory.js';

/** So many models of a key at their limits in a row: there is some limit that we do not know, and the others are likely in it. */
const MAX_LIMITS = 3;
const MAX_SHARED_LIMITS = 2;

/** What one request leaves out after its failures (the `skips` column of the failure policy). */
export class RequestSkips {
  private readonly skipped = new Set<string>();
  private readonly failuresOfProvider = new Map<string, number>();
  /** By key: models of it that were at a limit. */
  private readonly limitsOfKey = new Map<string, number>();
  /** Models with a window of at most this many tokens are too small. */
  private tooSmall = 0;

  add(failure: Failure, candidate: Candidate): void {
    const { skips } = FAILURE_POLICY[failure.kind];
    this.skipped.add(`c ${candidate.name} ${candidate.keyId}`);
    switch (skips) {
      case 'key':
        this.skipped.add(`k ${candidate.keyId}`);
        break;
      case 'model-on-key':
        break;
      case 'model-then-key-last':
        this.limitsOfKey.set(candidate.keyId, (this.limitsOfKey.get(candidate.keyId) ?? 0) + 1);
        break;
      case 'model-on-provider':
        this.skipped.add(`m ${candidate.name}`);
        break;
      case 'model-then-provider': {
        const count = (this.failuresOfProvider.get(candidate.provider) ?? 0) + 1;
        this.failuresOfProvider.set(candidate.provider, count);
        this.skipped.add(count > 1 ? `p ${candidate.provider}` : `m ${candidate.name}`);
        break;
      }
      case 'provider':
        this.skipped.add(`p ${candidate.provider}`);
        break;
      case 'host':
        this.skipped.add(`h ${candidate.host}`);
        break;
      case 'smaller-models':
        this.skipped.add(`m ${candidate.name}`);
        this.tooSmall = Math.max(this.tooSmall, windowOf(failure, candidate));
        break;
    }
  }

  get hasLast(): boolean {
    return this.limitsOfKey.size > 0;
  }

  /** One model of the key after the other was at a limit: its other models are asked when nobody else is left. */
  isLast({ keyId, hasSharedQuota }: Candidate): boolean {
    if (this.limitsOfKey.size === 0) return false;
    return (this.limitsOfKey.get(keyId) ?? 0) >= (hasSharedQuota ? MAX_SHARED_LIMITS : MAX_LIMITS);
  }

  has(candidate: Candidate): boolean {
    if (this.skipped.size === 0) return false;
    return (
      this.skipped.has(`c ${candidate.name} ${candidate.keyId}`) ||
      this.skipped.has(`m ${candidate.name}`) ||
      this.skipped.has(`k ${candidate.keyId}`) ||
      this.skipped.has(`p ${candidate.provider}`) ||
      this.skipped.has(`h ${candidate.host}`) ||
      (candidate.catalog.contextWindow !== null && candidate.catalog.contextWindow <= this.tooSmall)
    );
  }
}

/** The window that turned out too small: as the provider said, else the catalog's; per-minute limits say nothing of it. */
function windowOf(failure: Failure, candidate: Candidate): number {
  const stated = failure.statedLimit;
  if (stated) return stated.axis === 'context' ? stated.value : 0;
  return candidate.catalog.contextWindow ?? 0;
}
