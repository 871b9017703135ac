import assert from 'node:assert/strict';
import {
  FAILURE_SHOWN_MS,
  faceOf,
  initialStatus,
  nextChangeIn,
  reduceStatus,
  SPINNER_AFTER_MS,
  type StatusInput,
  type StatusModel,
  shortDuration,
  shortModel,
  trailSteps,
} from '../../src/vscode/statusModel.js';
import { gatewayState as gateway, outcome } from './support/status.js';

const running: StatusInput = {
  type: 'host.changed',
  state: { kind: 'running', url: 'http://127.0.0.1:3001', port: 3001 },
};

const after = (...inputs: StatusInput[]): StatusModel => inputs.reduce(reduceStatus, initialStatus);
const started = (id: string, at: number): StatusInput => ({
  type: 'request.started',
  id,
  at,
  model: 'auto',
  stream: true,
  client: null,
});
const failed = outcome({
  status: 'error',
  httpStatus: 429,
  provider: null,
  model: null,
  errorCode: 'rate_limit_exceeded',
});

describe('status model', () => {
  it('starts, idles, stops', () => {
    assert.deepEqual(faceOf(initialStatus, 0), { kind: 'starting' });
    assert.deepEqual(faceOf(after(running), 0), { kind: 'idle' });
    const stopped = after(running, {
      type: 'host.changed',
      state: { kind: 'stopped', reason: 'port-taken', message: '' },
    });
    assert.deepEqual(faceOf(stopped, 0), { kind: 'stopped', reason: 'port-taken' });
  });

  it('is the same in a window that follows another', () => {
    const following: StatusInput = {
      type: 'host.changed',
      state: { kind: 'following', url: 'http://127.0.0.1:3001', port: 3001, version: '0.1.0' },
    };
    assert.deepEqual(faceOf(after(following), 0), { kind: 'idle' });
    const model = after(running, { type: 'state.read', state: gateway() }, following, started('a', 1000));
    assert.notEqual(model.gateway, null);
    assert.equal(nextChangeIn(model, 1000), SPINNER_AFTER_MS);
    assert.equal(faceOf(model, 1000 + SPINNER_AFTER_MS).kind, 'working');
  });

  it('forgets a failure when the state tells of a later answer, as after another window took over', () => {
    const broken = after(running, { type: 'request.ended', id: 'a', at: 5, outcome: failed });
    assert.equal(faceOf(broken, 10).kind, 'failed');
    const read = (at: number): StatusInput => ({
      type: 'state.read',
      state: gateway({ lastRequest: { at, outcome: outcome() } }),
    });
    assert.equal(faceOf(reduceStatus(broken, read(7)), 10).kind, 'answered');
    assert.equal(faceOf(reduceStatus(broken, read(3)), 10).kind, 'failed');
  });

  it('names who answered, with the wait for the first token', () => {
    const model = after(running, { type: 'request.ended', id: 'a', at: 5, outcome: outcome() });
    assert.deepEqual(faceOf(model, 10), {
      kind: 'answered',
      provider: 'groq',
      model: 'openai/gpt-oss-120b',
      latencyMs: 412,
      hasFallback: false,
    });
    const whole = after(running, { type: 'request.ended', id: 'a', at: 5, outcome: outcome({ firstTokenMs: null }) });
    assert.equal((faceOf(whole, 10) as { latencyMs: number }).latencyMs, 1800);
  });

  it('follows a fallback to the second provider', () => {
    const second = outcome({
      provider: 'google',
      fallbacks: [{ provider: 'groq', model: 'm', kind: 'rate_limit' }],
    });
    const face = faceOf(after(running, { type: 'request.ended', id: 'b', at: 6, outcome: second }), 10);
    assert.deepEqual(
      { ...face, model: '', latencyMs: 0 },
      {
        kind: 'answered',
        provider: 'google',
        model: '',
        latencyMs: 0,
        hasFallback: true,
      },
    );
  });

  it('spins only when a request takes its time, and says when to look again', () => {
    const model = after(running, started('a', 1000));
    assert.deepEqual(faceOf(model, 1000 + SPINNER_AFTER_MS - 1), { kind: 'idle' });
    assert.equal(nextChangeIn(model, 1000), SPINNER_AFTER_MS);
    assert.deepEqual(faceOf(model, 1000 + SPINNER_AFTER_MS), { kind: 'working', provider: null, model: null });
    const routed = reduceStatus(model, {
      type: 'request.routed',
      id: 'a',
      at: 1100,
      provider: 'groq',
      model: 'm',
      attempt: 1,
    });
    assert.deepEqual(faceOf(routed, 2000), { kind: 'working', provider: 'groq', model: 'm' });
    const ended = reduceStatus(routed, { type: 'request.ended', id: 'a', at: 2100, outcome: outcome() });
    assert.equal(faceOf(ended, 2200).kind, 'answered');
    assert.equal(nextChangeIn(ended, 2200), null);
  });

  it('warns when nothing can answer; louder when there are keys', () => {
    const stuck = after(running, { type: 'state.read', state: gateway({ canAnswer: false, reason: 'why' }) });
    assert.deepEqual(faceOf(stuck, 0), { kind: 'noAnswer', isSetUp: true });
    const counts = { ...gateway().counts, keys: 0, usableKeys: 0 };
    const fresh = after(running, { type: 'state.read', state: gateway({ canAnswer: false, counts }) });
    assert.deepEqual(faceOf(fresh, 0), { kind: 'noAnswer', isSetUp: false });
    const again = reduceStatus(stuck, { type: 'gateway.changed', at: 1, state: gateway() });
    assert.deepEqual(faceOf(again, 0), { kind: 'idle' });
  });

  it('shows a failure of the pool for a minute, never the client’s own mistake', () => {
    const model = after(
      running,
      { type: 'request.ended', id: 'a', at: 1, outcome: outcome() },
      { type: 'request.ended', id: 'b', at: 1000, outcome: failed },
    );
    assert.deepEqual(faceOf(model, 1001), { kind: 'failed' });
    assert.equal(nextChangeIn(model, 1000), FAILURE_SHOWN_MS);
    assert.equal(faceOf(model, 1000 + FAILURE_SHOWN_MS).kind, 'answered');
    const answered = reduceStatus(model, { type: 'request.ended', id: 'c', at: 1002, outcome: outcome() });
    assert.equal(faceOf(answered, 1003).kind, 'answered');
    for (const change of [{ httpStatus: 400 }, { httpStatus: 404 }, { status: 'canceled' as const, httpStatus: 499 }]) {
      const ended: StatusInput = { type: 'request.ended', id: 'd', at: 3, outcome: outcome({ ...failed, ...change }) };
      assert.equal(faceOf(after(running, ended), 4).kind, 'idle');
    }
  });

  it('learns the last answer from the state when it comes late, and drops lost requests', () => {
    const late = after(running, started('lost', 1), {
      type: 'state.read',
      state: gateway({ lastRequest: { at: 7, outcome: outcome() } }),
    });
    assert.equal(faceOf(late, 9_999).kind, 'answered');
    assert.equal(late.inFlight.size, 0);
  });

  it('forgets requests and failures when the gateway goes, not who answered last', () => {
    const model = after(
      running,
      { type: 'request.ended', id: 'a', at: 1, outcome: outcome() },
      { type: 'request.ended', id: 'b', at: 2, outcome: failed },
      started('c', 3),
      { type: 'host.changed', state: { kind: 'starting' } },
      running,
    );
    assert.equal(faceOf(model, 5).kind, 'answered');
    assert.equal(model.inFlight.size, 0);
  });

  it('leaves the model alone for events it does not show', () => {
    const model = after(running);
    const event = { type: 'from.the.future', at: 1 } as unknown as StatusInput;
    assert.equal(reduceStatus(model, event), model);
  });

  it('shortens models, durations and trails', () => {
    assert.equal(shortModel('openai/gpt-oss-120b:free'), 'gpt-oss-120b');
    assert.equal(shortModel('gemini-2.5-flash'), 'gemini-2.5-flash');
    assert.deepEqual([412.4, 999.9, 1849, 59_940, 59_960, 125_000].map(shortDuration), [
      '412 ms',
      '1.0 s',
      '1.8 s',
      '59.9 s',
      '1 min 0 s',
      '2 min 5 s',
    ]);
    const step = { provider: 'groq', model: 'm', kind: 'rate_limit' };
    assert.deepEqual(trailSteps([step, step, { ...step, provider: 'google' }]), [
      { provider: 'groq', kind: 'rate_limit', count: 2 },
      { provider: 'google', kind: 'rate_limit', count: 1 },
    ]);
  });
});
