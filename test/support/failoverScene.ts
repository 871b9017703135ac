import assert from 'node:assert/strict';
import type { Bed } from './bed.js';
import type { TestGateway } from './gateway.js';
import { createManualClock, type ManualClock } from './manualClock.js';
import { chatCompletion, type FakeProvider, type Handler } from './provider.js';
import { chainOf, textOf, u1Name, u2Name } from './scenario.js';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A gateway with U1 and U2 behind it and a clock that the test moves. */
export interface FailoverScene {
  clock: ManualClock;
  u1: FakeProvider;
  u2: FakeProvider;
  gateway: TestGateway;
}

/** U1 answers with `first`, U2 says "from two". */
export async function startScene(
  bed: Bed,
  first: Handler | readonly Handler[],
  more:
    | Parameters<typeof chainOf>[2]
    | ((u1: FakeProvider) => NonNullable<Parameters<typeof chainOf>[2]>['providers']) = {},
): Promise<FailoverScene> {
  const clock = createManualClock();
  const u1 = await bed.provider(first);
  const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
  const gateway = await bed.gateway({
    config: chainOf(u1, u2, typeof more === 'function' ? { providers: more(u1) } : more),
    clock,
  });
  return { clock, u1, u2, gateway };
}

/** Asks once; U1 must be asked and fail with `kind`, and U2 answer. */
export async function failsOver({ u1, u2, gateway }: FailoverScene, kind: string): Promise<void> {
  const before = [u1.requests.length, u2.requests.length] as const;
  const response = await gateway.chat();
  assert.equal(response.headers['x-fallback-trail'], `${u1Name}=${kind}`);
  assert.equal(response.headers['x-fallback-attempts'], '1');
  assert.equal(response.headers['x-routed-via'], u2Name);
  assert.equal(await textOf(response), 'from two');
  assert.deepEqual([u1.requests.length, u2.requests.length], [before[0] + 1, before[1] + 1]);
}

/** U1 must be left alone until just before `ms` from now, and asked again at `ms`. */
export async function isBenchedFor({ clock, u1, gateway }: FailoverScene, ms: number): Promise<void> {
  const before = u1.requests.length;
  clock.advance(ms - 1);
  const early = await gateway.chat();
  assert.equal(early.headers['x-routed-via'], u2Name);
  assert.equal(early.headers['x-fallback-attempts'], undefined);
  assert.equal(u1.requests.length, before, `asked again before ${ms} ms`);
  clock.advance(1);
  await (await gateway.chat()).text();
  assert.equal(u1.requests.length, before + 1, `not asked again at ${ms} ms`);
}

/** Whether `GET /v1/models` has it. */
export async function isListed(gateway: TestGateway, name: string): Promise<boolean> {
  const list = await (await gateway.v1('/v1/models')).json();
  return list.data.some((one: { id: string }) => one.id === name);
}
