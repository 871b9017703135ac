import assert from 'node:assert/strict';
import type { LedgerChange } from '../../../src/gateway/ledger/changes.js';
import {
  decodeChange,
  decodeHeader,
  encodeChange,
  encodeHeader,
  encodeImage,
  HEADER_BYTES,
  readJournal,
} from '../../../src/gateway/ledger/journal.js';
import { planReplay } from '../../../src/gateway/ledger/replay.js';
import { SCHEMA_VERSION } from '../../../src/gateway/ledger/schema.js';
import { setting } from '../../support/ledger.js';

const databaseId = '0123456789abcdef0123456789abcdef';
const record = (seq: number, change: LedgerChange = setting(`s${seq}`)) => encodeChange(seq, JSON.stringify(change));

function journal(generation: number, after: number, ...records: Buffer[]) {
  const contents = readJournal(Buffer.concat([encodeHeader({ generation, databaseId, after }), ...records]));
  assert.ok(contents);
  return { name: `j${generation}`, contents };
}

const seqs = (found: ReturnType<typeof journal>) => found.contents.changes.map(({ seq }) => seq);
const planned = (plan: ReturnType<typeof planReplay>) => plan.changes.map(({ at }) => at.seq);

describe('the journal', () => {
  it('gives back what was written', () => {
    const change = setting('ü', { text: 'zwölf {"seq":1,' });
    const image = { generation: 3, bytes: 4096, crc: 0xdeadbeef, counter: 3 };
    const { contents } = journal(3, 7, record(8, change), encodeImage(image), record(9));
    assert.deepEqual(contents.header, { schemaVersion: SCHEMA_VERSION, generation: 3, databaseId, after: 7 });
    assert.deepEqual(contents.images, [image]);
    assert.deepEqual(
      contents.changes.map((at) => decodeChange(contents, at)),
      [change, setting('s9')],
    );
    assert.equal(contents.end, contents.bytes.length);
    assert.equal(contents.isDamaged, false);
  });

  it('stops before the last record, wherever that is cut or a bit of it flips', () => {
    const [first, last] = [record(1), record(2)];
    for (let length = 0; length < last.length; length++) {
      const torn = journal(1, 0, first, last.subarray(0, length));
      assert.deepEqual(seqs(torn), [1]);
      assert.equal(torn.contents.end, HEADER_BYTES + first.length);
      assert.equal(torn.contents.isDamaged, false);
    }
    for (let bit = 0; bit < last.length * 8; bit++) {
      const flipped = Buffer.from(last);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.deepEqual(seqs(journal(1, 0, first, flipped)), [1]);
    }
  });

  it('ends where zeros begin, as a power cut leaves them', () => {
    const found = journal(1, 0, record(1), Buffer.alloc(4096));
    assert.deepEqual(seqs(found), [1]);
    assert.equal(found.contents.isDamaged, false);
  });

  it('finds the records behind a damaged one, whichever bit flips', () => {
    const damaged = record(2);
    for (let bit = 0; bit < damaged.length * 8; bit++) {
      const flipped = Buffer.from(damaged);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const found = journal(1, 0, record(1), flipped, record(3), record(4));
      assert.deepEqual(seqs(found), [1, 3, 4]);
      assert.equal(found.contents.isDamaged, true);
    }
  });

  it('has no header when a bit of it flips', () => {
    const header = encodeHeader({ generation: 1, databaseId, after: 0 });
    assert.ok(decodeHeader(header));
    for (let bit = 0; bit < header.length * 8; bit++) {
      const flipped = Buffer.from(header);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(decodeHeader(flipped), null);
    }
    for (let length = 0; length < header.length; length++) assert.equal(decodeHeader(header.subarray(0, length)), null);
  });
});

describe('what is replayed', () => {
  it('is what comes after the image', () => {
    const plan = planReplay([journal(1, 0, record(1), record(2)), journal(2, 2, record(3), record(4))], 1);
    assert.deepEqual(planned(plan), [2, 3, 4]);
    assert.deepEqual([plan.seq, plan.damaged, plan.isApart], [4, [], false]);
  });

  it('leaves out what a later journal says was refused', () => {
    const plan = planReplay(
      [journal(1, 0, record(1), record(2), record(3)), journal(2, 1), journal(4, 1, record(2))],
      0,
    );
    assert.deepEqual(planned(plan), [1, 2]);
    assert.deepEqual(plan.damaged, []);
    assert.deepEqual(planned(planReplay([journal(1, 0, record(1), record(2)), journal(2, 1)], 0)), [1]);
  });

  it('goes on behind a damaged part, and names the journal', () => {
    const inside = planReplay([journal(1, 0, record(1), record(3))], 0);
    assert.deepEqual([planned(inside), inside.damaged, inside.seq], [[1, 3], ['j1'], 3]);
    const atTheEnd = planReplay([journal(1, 0, record(1)), journal(2, 3, record(4))], 0);
    assert.deepEqual([planned(atTheEnd), atTheEnd.damaged, atTheEnd.seq], [[1, 4], ['j1'], 4]);
    const lastIsLost = planReplay([journal(1, 0, record(1)), journal(2, 3)], 0);
    assert.deepEqual([planned(lastIsLost), lastIsLost.damaged, lastIsLost.seq], [[1], ['j1'], 3]);
    // What the image holds already is no loss.
    assert.deepEqual(planReplay([journal(1, 0, record(1)), journal(2, 3, record(4))], 3).damaged, []);
  });

  it('says when the journals do not continue the image', () => {
    assert.equal(planReplay([journal(5, 9, record(10))], 4).isApart, true);
    assert.equal(planReplay([journal(5, 4, record(5))], 4).isApart, false);
    assert.equal(planReplay([], 4).isApart, false);
  });
});
