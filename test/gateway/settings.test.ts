import assert from 'node:assert/strict';
import type { Bookkeeping } from '../../src/gateway/ledger/bookkeeping.js';
import { Settings } from '../../src/gateway/settings.js';

describe('settings', () => {
  it('saves what was changed together in one write, and changes nothing when that is refused', async () => {
    const asked: ((isSaved: boolean) => void)[] = [];
    const save = () =>
      new Promise<void>((resolve, reject) => {
        asked.push((isSaved) => (isSaved ? resolve() : reject(new Error('The disk is full'))));
      });
    const settings = new Settings({ save } as unknown as Bookkeeping, {}, {}, () => {});
    const saving = settings.save({ retentionDays: 9, stickyMinutes: 7 });
    assert.equal(asked.length, 2, 'the second does not wait for the first: it would be a write of its own');
    for (const settle of asked) settle(false);
    await assert.rejects(saving, /full/);
    assert.deepEqual([settings.all.retentionDays, settings.all.stickyMinutes], [90, 30]);
  });

  it('takes only what is a setting out of a ledger', () => {
    const settings = new Settings({} as Bookkeeping, {}, {}, () => {});
    settings.restore(
      new Map<string, unknown>([
        ['retentionDays', 'ninety'],
        ['stickyMinutes', 7],
        ['none', true],
      ]),
    );
    assert.deepEqual([settings.all.retentionDays, settings.all.stickyMinutes, 'none' in settings.all], [90, 7, false]);
  });

  it('goes back to what was saved when the editor no longer sets it', () => {
    const settings = new Settings({} as Bookkeeping, {}, {}, () => {});
    settings.restore(new Map([['strategy', 'reliable']]));
    settings.apply({ strategy: 'fastest' });
    assert.equal(settings.all.strategy, 'fastest');
    settings.apply({ strategy: undefined });
    assert.equal(settings.all.strategy, 'reliable');
  });
});
