import { discoverableModel } from './catalog/modelDefaults.js';
import type { ListedModels, ModelStore } from './catalog/modelStore.js';
import type { KeyHealth, PoolKey } from './keys/keyPool.js';
import type { CooldownRow, KeyRow, LearnedModelRow } from './ledger/changes.js';
import type { LedgerState } from './ledger/restore.js';
import type { CatalogModel } from './providers/spec.js';
import type { Cooldown } from './routing/cooldowns/cooldown.js';
import type { FailureKind } from './routing/failure.js';
import { FAILURE_POLICY } from './routing/failurePolicy.js';

/** A key's health as the ledger keeps it: only what a probe said has its words kept. */
export function toKeyRow({ id, provider, health }: PoolKey): KeyRow {
  const { status, message, checkedAt, isProbed } = health;
  return { id, provider, health: status, healthMessage: isProbed ? message : null, checkedAt };
}

/** The way back: a key's health as the ledger knew it; undefined for one that it does not know. */
export function healthBefore(state: LedgerState | null, keyId: string): KeyHealth | undefined {
  const row = state?.keys.find(({ id }) => id === keyId);
  if (!row) return undefined;
  // Earlier versions kept a limit as a verdict.
  const status = row.health === 'rate_limited' ? 'healthy' : row.health;
  return { status, message: row.healthMessage, checkedAt: row.checkedAt, isProbed: row.healthMessage !== null };
}

/** A cooldown as the ledger keeps it: without the provider's words. */
export function toCooldownRow(cooldown: Cooldown): CooldownRow {
  const { message: _message, isCounted: _isCounted, ...row } = cooldown;
  return row;
}

/** The way back; kinds and scopes that this version does not know are dropped. */
export function fromCooldownRow(row: CooldownRow): Cooldown[] {
  if (!Object.hasOwn(FAILURE_POLICY, row.kind)) return [];
  const message = 'From before the gateway was started again';
  return [{ ...row, kind: row.kind as FailureKind, scope: row.scope as Cooldown['scope'], message }];
}

export function toLearnedModelRow(model: CatalogModel): LearnedModelRow {
  const { id, name, contextWindow, maxOutput, tools, vision, reasoning } = model;
  return {
    id,
    name,
    contextWindow,
    maxOutput: maxOutput ?? null,
    hasTools: tools,
    hasVision: vision,
    hasReasoning: reasoning,
  };
}

/** Gives the store the lists that providers gave an earlier life of the gateway. */
export function restoreModels(
  store: ModelStore,
  lists: readonly { provider: string; models: readonly LearnedModelRow[]; learnedAt: number }[],
): void {
  for (const { provider, models, learnedAt } of lists) {
    const list: ListedModels = { provider, learnedAt, models: models.map((row) => fromLearnedModelRow(provider, row)) };
    store.restore(list);
  }
}

function fromLearnedModelRow(provider: string, row: LearnedModelRow): CatalogModel {
  return {
    ...discoverableModel(provider, row.id),
    name: row.name,
    contextWindow: row.contextWindow,
    ...(row.maxOutput === null ? {} : { maxOutput: row.maxOutput }),
    tools: row.hasTools,
    vision: row.hasVision,
    reasoning: row.hasReasoning,
  };
}
