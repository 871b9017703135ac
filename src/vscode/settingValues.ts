import type { ApiSettings } from '../protocol/settings.js';
import { SCORE_PARTS, STRATEGIES } from '../protocol/strategyNames.js';

/** The settings of the gateway that the editor has too, by their names there; what is wrong becomes undefined. */
const READERS = {
  demo: readBoolean,
  strategy: (value) => STRATEGIES.find((name) => name === value),
  strategyWeights: readWeights,
  stickyMinutes: wholeFrom(0),
  contextHandoff: readBoolean,
  'queue.timeoutSeconds': wholeFrom(0),
  healthProbes: readBoolean,
  retentionDays: wholeFrom(1),
} as const satisfies { [Name in keyof ApiSettings]-?: (value: unknown) => ApiSettings[Name] };

export type LiveSetting = keyof typeof READERS;

/** Settings that the gateway takes while it runs. */
export const LIVE_SETTINGS = Object.keys(READERS) as LiveSetting[];

/**
 * What the user set of these, as the gateway takes it. `undefined`: not set, or nonsense, so that what was chosen on a page
 * or the default holds.
 */
export function gatewaySettings(names: readonly LiveSetting[], readValue: (name: LiveSetting) => unknown): ApiSettings {
  return Object.fromEntries(names.map((name) => [name, READERS[name](readValue(name))]));
}

/** A TCP port a server may listen on. */
export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;
}

/** Does a gateway bound to this host serve this machine only? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function readBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function wholeFrom(least: number): (value: unknown) => number | undefined {
  return (value) => (typeof value === 'number' && Number.isInteger(value) && value >= least ? value : undefined);
}

/** Each part 0 or more, one above 0; one that is left out weighs nothing. */
function readWeights(value: unknown): ApiSettings['strategyWeights'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Record<string, unknown>;
  const weights = SCORE_PARTS.map((part) => given[part] ?? 0);
  const isWeight = (weight: unknown) => typeof weight === 'number' && Number.isFinite(weight) && weight >= 0;
  if (!weights.every(isWeight) || weights.every((weight) => weight === 0)) return undefined;
  return Object.fromEntries(SCORE_PARTS.map((part, at) => [part, weights[at]])) as ApiSettings['strategyWeights'];
}
