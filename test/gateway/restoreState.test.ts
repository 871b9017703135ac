import assert from 'node:assert/strict';
import type { KeyHealth, PoolKey } from '../../src/gateway/keys/keyPool.js';
import type { LedgerState } from '../../src/gateway/ledger/restore.js';
import { healthBefore, toKeyRow } from '../../src/gateway/restoreState.js';

describe('a key’s health', () => {
  const kept = (health: KeyHealth) => {
    const key = { id: 'k1', provider: 'groq', health } as PoolKey;
    return healthBefore({ keys: [toKeyRow(key)] } as unknown as LedgerState, 'k1');
  };

  it('is after a restart as it was, with the words of a probe', () => {
    const health: KeyHealth = { status: 'invalid', message: 'Revoked', checkedAt: 5, isProbed: true };
    assert.deepEqual(kept(health), health);
  });

  it('loses the words of an answer: they may repeat a prompt', () => {
    const health: KeyHealth = { status: 'error', message: 'You said: secret', checkedAt: 5, isProbed: false };
    assert.deepEqual(kept(health), { ...health, message: null });
    assert.equal(healthBefore({ keys: [] } as unknown as LedgerState, 'k1'), undefined);
  });
});
