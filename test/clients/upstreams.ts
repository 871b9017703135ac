import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { type Bed, useBed } from '../support/bed.js';
import type { TestGateway } from '../support/gateway.js';
import type { FakeProvider } from '../support/provider.js';
import { secrets } from '../support/scenario.js';
import { decide, type Seen } from './agentScript.js';
import type { Wire } from './wires.js';

/** The scripted agent behind one wire, and the gateway that is pointed at it. */
export interface Setting {
  gateway: TestGateway;
  /** `http://127.0.0.1:<port>/v1`, as clients want it. */
  baseUrl: string;
  provider: FakeProvider;
  /** What the model was asked, turn by turn. */
  seen: Seen[];
  /** The model as clients name it. */
  model: string;
}

/** To be called within `describe`: makes settings and closes them after each test. */
export function useSetting(wire: Wire): () => Promise<Setting> {
  const bed = useBed();
  return () => createSetting(wire, bed);
}

async function createSetting(wire: Wire, bed: Bed): Promise<Setting> {
  const seen: Seen[] = [];
  const provider = await bed.provider((request, response) => {
    try {
      const turn = wire.read(request.url, request.body);
      seen.push(turn);
      answer(wire, turn, response);
    } catch (error) {
      // What is wrong with the request is told through the gateway (400 is passed on), so that the test shows it.
      const message = error instanceof assert.AssertionError ? error.message : String(error);
      respondJson(response, 400, wire.provider === 'cohere' ? { message } : { error: { code: 400, message } });
    }
  });
  const gateway = await bed.gateway({ config: configFor(wire, provider) });
  return {
    gateway,
    baseUrl: `${gateway.url}/v1`,
    provider,
    seen,
    model: `${wire.provider}/${wire.model}`,
  };
}

function configFor(wire: Wire, provider: FakeProvider): ConfigFile {
  const model = { id: wire.model, tools: true, vision: true, contextWindow: 128_000, maxOutput: 8_192 };
  return {
    providers: {
      [wire.provider]: { baseUrl: provider.origin + wire.prefix, keys: [{ key: secrets.mistral }], models: [model] },
    },
    chain: [`${wire.provider}/${wire.model}`],
    strategy: 'priority',
    settings: { healthProbes: false, 'queue.timeoutSeconds': 0 },
  };
}

function answer(wire: Wire, turn: Seen, response: ServerResponse): void {
  const said = decide(turn);
  if (said.kind === 'error') {
    respondJson(response, said.status, wire.error(said.status), { 'retry-after': '120' });
    return;
  }
  const isEndless = said.kind === 'text' && said.isEndless === true;
  if (!turn.isStream) {
    // An endless answer that was not to be streamed: nothing at all comes.
    if (!isEndless) respondJson(response, 200, wire.whole(said));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of wire.events(said)) response.write(event);
  if (!isEndless) response.end();
}

function respondJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Fails unless the gateway has closed its connection of the first request within a second (conformance case 21), counted in looks. */
export async function assertClosedWithinASecond(provider: FakeProvider): Promise<void> {
  let isClosed = false;
  const closed = provider.closed(1).then(() => {
    isClosed = true;
  });
  // Looks, not the clock: a machine that stands still meanwhile takes no time from the gateway.
  for (let look = 0; look < 100 && !isClosed; look += 1) await Promise.race([closed, sleep(10)]);
  assert.ok(isClosed, 'the upstream connection is still open after a second');
}
