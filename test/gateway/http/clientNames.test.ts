import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { ClientNames } from '../../../src/gateway/http/clientNames.js';

describe('client names', () => {
  const from = (agent: string) => ({ headers: { 'user-agent': agent } }) as unknown as IncomingMessage;

  it('are the product, and not ever more', () => {
    const names = new ClientNames();
    assert.equal(names.nameOf(from('Cline/3.1 (linux)')), 'Cline');
    for (let number = 0; number < 1_000; number++) names.nameOf(from(`agent-${number}/1.0`));
    assert.equal(names.nameOf(from('agent-5000/1.0')), 'other');
    assert.equal(names.nameOf(from('Cline/3.2')), 'Cline');
    assert.equal(names.nameOf(from('agent-7/2.0')), 'agent-7');
    assert.equal(names.nameOf(from('(none)')), null);
  });
});
