import assert from 'node:assert/strict';
import { Bookkeeping } from '../../../src/gateway/ledger/bookkeeping.js';
import { openBed } from '../../support/ledger.js';
import { createMemoryStorage } from '../../support/memoryStorage.js';

describe('bookkeeping', () => {
  it('looks for what is too old a minute after it began, then every ten', async () => {
    const { ledger, clock } = await openBed(createMemoryStorage());
    const books = new Bookkeeping(true);
    const start = clock.now();
    const steps: number[] = [];
    const step = () => {
      steps.push(clock.now() - start);
      return steps.length === 1;
    };
    books.attach(ledger, { step }, clock);
    clock.advance(20 * 60_000);
    assert.deepEqual(steps, [60_000, 60_020, 660_020]);
    await books.close();
    assert.deepEqual(clock.pending(), []);
  });
});
