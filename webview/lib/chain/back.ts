import type { Strategy } from '../../../src/protocol/strategyNames.js';
import type { ChainBody } from './order.js';
import type { ProfileBody } from './profiles.js';

/** One step back from a deed on the chain. */
export type BackStep =
  /** `setting` is what the editor's setting says; null: nothing. */
  | { to: 'strategy'; strategy: Strategy; setting: Strategy | null }
  | { to: 'chain'; data: ChainBody }
  | { to: 'profile'; body: ProfileBody }
  | { to: 'noProfile'; name: string }
  /** The profile that is shown. */
  | { to: 'view'; profile: string }
  /** The order in force is shown. */
  | { to: 'inForce' };

/** What takes a deed on the chain back, as data: it outlives the page's document. */
export type Back = BackStep[];

const STEPS: Record<BackStep['to'], true> = {
  ...{ strategy: true, chain: true, profile: true, noProfile: true, view: true, inForce: true },
};

/** What was kept; null where it makes no sense. What its steps hold is the gateway's to judge. */
export function readBack(kept: unknown): Back | null {
  const isStep = (step: unknown) =>
    typeof step === 'object' && step !== null && 'to' in step && Object.hasOwn(STEPS, `${step.to}`);
  return Array.isArray(kept) && kept.every(isStep) ? (kept as Back) : null;
}
