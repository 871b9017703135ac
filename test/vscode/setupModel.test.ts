import assert from 'node:assert/strict';
import { initialSetup, OWN_CLIENT, setupAfter } from '../../src/vscode/setupModel.js';
import type { StatusInput } from '../../src/vscode/statusModel.js';
import { gatewayState, outcome } from './support/status.js';

const read = (keys: number, demo: boolean): StatusInput => {
  const state = gatewayState({ demo });
  return { type: 'state.read', state: { ...state, counts: { ...state.counts, keys } } };
};
const started = (client: string | null): StatusInput => ({
  ...{ type: 'request.started', id: 'a', at: 1, model: 'auto', stream: false },
  client,
});

describe('how far the user has come', () => {
  it('is nowhere before the gateway says so', () => {
    assert.equal(Object.values(initialSetup).some(Boolean), false);
  });

  it('is fresh without keys and without the demo alone', () => {
    const of = (input: StatusInput) => setupAfter(initialSetup, input);
    assert.deepEqual([of(read(0, false)).isFresh, of(read(0, false)).hasKeys], [true, false]);
    assert.deepEqual([of(read(0, true)).isFresh, of(read(0, true)).hasKeys], [false, false]);
    assert.deepEqual([of(read(1, false)).isFresh, of(read(1, false)).hasKeys], [false, true]);
    assert.equal(setupAfter(of(read(1, false)), read(0, false)).isFresh, true);
  });

  it('has an answer when one came, and keeps that', () => {
    const ended = (status: 'success' | 'error'): StatusInput => ({
      ...{ type: 'request.ended', id: 'a', at: 1 },
      outcome: outcome({ status }),
    });
    assert.equal(setupAfter(initialSetup, ended('error')).hasAnswered, false);
    const answered = setupAfter(initialSetup, ended('success'));
    assert.equal(answered.hasAnswered, true);
    assert.equal(setupAfter(answered, read(1, false)).hasAnswered, true);
    const late = gatewayState({ lastRequest: { at: 1, outcome: outcome() } });
    assert.equal(setupAfter(initialSetup, { type: 'state.read', state: late }).hasAnswered, true);
  });

  it('has a client when anybody but our own question asked, and chat when that did', () => {
    assert.equal(setupAfter(initialSetup, started(OWN_CLIENT)), initialSetup);
    const of = (client: string | null) => setupAfter(initialSetup, started(client));
    assert.deepEqual([of('curl').hasClient, of('curl').hasChat], [true, false]);
    assert.equal(of(null).hasClient, true);
    assert.deepEqual([of('GitHubCopilotChat').hasClient, of('GitHubCopilotChat').hasChat], [true, true]);
  });

  it('is the same object where nothing changed', () => {
    const setup = setupAfter(initialSetup, read(1, false));
    assert.equal(setupAfter(setup, read(2, false)), setup);
  });
});
