import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../support/client.js';
import {
  chatCompletion,
  chatStream,
  type FakeProvider,
  type Handler,
  startProvider,
  streamOf,
} from '../support/provider.js';
import { type GatewayProcess, type Starting, startProcess } from './gatewayProcess.js';
import { CHATTERS, Load, MARKS, USED_UP_MODEL } from './load.js';

const KILLS = Number(process.env.CRASH_KILLS ?? 50);
/** What a killed process may lose of request rows and counts (design.md, Ledger). */
const LOSS_MS = 250;
/** A repeatable sequence, so that a failure can be looked for again. */
const SEED = Number(process.env.CRASH_SEED ?? 20_261_121);

/** Mulberry32: a small generator of numbers in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Answers; now and then it refuses instead, and repeats the prompt in its words, as some do. */
function moody(): Handler {
  const text = `${MARKS.completion} said`;
  return (request, response, n) => {
    if (n % 40 === 0) {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: `cannot do: ${request.body.messages[0].content}` } }));
      return;
    }
    const answer = request.body.stream ? chatStream(streamOf({ text })) : chatCompletion({ text });
    return answer(request, response, n);
  };
}

/** A provider whose quota is used up for an hour. */
const usedUp: Handler = (_, response) => {
  response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '3600' });
  response.end(JSON.stringify({ error: { message: 'slow down' } }));
};

describe(`SIGKILL at random instants under load, ${KILLS} times`, function () {
  this.timeout(KILLS * 6_000 + 60_000);
  let folder: string;
  let config: string;
  let providers: FakeProvider[] = [];
  let current: Starting | null = null;
  /** How long before a kill the oldest request that was lost had ended, ms. */
  let worstLoss = 0;
  const random = randomNumbers(SEED);

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-crash-'));
    providers = [await startProvider(moody()), await startProvider(moody()), await startProvider(usedUp)];
    const custom = (at: number) => ({
      baseUrl: providers[at]?.baseUrl,
      keys: [{ key: `${MARKS.key}-config-${at}` }],
      models: [{ id: 'm' }],
    });
    config = path.join(folder, 'config.json');
    const groq = { baseUrl: providers[2]?.baseUrl, keys: [{ key: `${MARKS.key}-groq` }] };
    const settings = { healthProbes: false };
    writeFileSync(
      config,
      JSON.stringify({ providers: { 'custom:one': custom(0), 'custom:two': custom(1), groq }, settings }),
    );
  });

  after(async () => {
    await current?.kill();
    await Promise.all(providers.map((provider) => provider.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function read(gateway: GatewayProcess, where: string) {
    const response = await send(gateway.url + where, { headers: { authorization: `Bearer ${gateway.adminToken}` } });
    const body = await response.json();
    assert.equal(response.status, 200, `${where}: ${JSON.stringify(body)}`);
    return body;
  }

  async function storedIds(gateway: GatewayProcess, newerThan: number): Promise<string[]> {
    const ids: string[] = [];
    for (let before = ''; ; ) {
      const page = await read(gateway, `/api/requests?limit=500${before && `&before=${encodeURIComponent(before)}`}`);
      for (const row of page.data) ids.push(row.id);
      const last = page.data.at(-1);
      if (!last || !page.next || last.at < newerThan) return ids;
      before = page.next;
    }
  }

  /** Requests that reached a provider, by what the gateway counted. */
  async function counted(gateway: GatewayProcess): Promise<number> {
    const { data } = await read(gateway, '/api/quota');
    return data
      .filter(({ kind, model }: { kind: string; model: string | null }) => kind === 'rpd' && model !== null)
      .reduce((sum: number, { used }: { used: number }) => sum + used, 0);
  }

  it('loses nothing that anybody was told', async () => {
    const load = new Load(providers[0]?.baseUrl ?? '');
    const isOurs = new Set<string>();
    let early = 0;
    let checkedFrom = 0;
    let lastCount = 0;
    let killedAt = Number.POSITIVE_INFINITY;
    for (let kill = 0; kill <= KILLS; kill++) {
      const starting = startProcess(folder, config);
      current = starting;
      const isEarly = kill < KILLS && random() < 0.15;
      if (isEarly) {
        await sleep(random() * 400);
        await starting.kill();
        early += 1;
        continue;
      }
      const gateway = await starting.listening;
      const told = load.requests.slice(checkedFrom).filter(({ at }) => at < killedAt - LOSS_MS);
      await checkRequests(gateway, load.requests.slice(checkedFrom), isOurs, killedAt);
      const count = await counted(gateway);
      const atLeast = lastCount + told.filter(({ status }) => status === 200).length;
      assert.ok(count >= atLeast, `${count} counted, at least ${atLeast} were settled`);
      const seen = providers.reduce((sum, { requests }) => sum + requests.length, 0);
      // What was about to be sent when a kill came counts, since nobody can say whether it arrived.
      const most = seen + kill * CHATTERS;
      assert.ok(count <= most, `${count} counted, the providers saw ${seen}`);
      await checkSaved(gateway, load);
      if (told.some(({ model }) => model === USED_UP_MODEL)) await checkCooldown(gateway);
      lastCount = count;
      checkedFrom = load.requests.length;
      if (kill === KILLS) {
        await checkTotals(gateway, load, isOurs);
        assert.equal(await gateway.stop(), 0);
        break;
      }
      const working = load.run(gateway);
      await sleep(100 + random() * 1_100);
      killedAt = (await gateway.kill()).at;
      await working;
    }
    checkFiles();
    const { requests, saves } = load;
    console.log(
      `      crash: survived ${KILLS} kills (${early} while starting), ${requests.length} requests, ${saves} saved changes; at most the last ${worstLoss} ms of request rows lost`,
    );
  });

  async function checkRequests(
    gateway: GatewayProcess,
    all: Load['requests'],
    isOurs: Set<string>,
    killedAt: number,
  ): Promise<void> {
    const oldest = all[0]?.at ?? Date.now();
    const stored = new Set(await storedIds(gateway, oldest - 60_000));
    for (const { id, at } of all) if (!stored.has(id)) worstLoss = Math.max(worstLoss, killedAt - at);
    for (const { id, status, at } of all) {
      if (at >= killedAt - LOSS_MS) continue;
      assert.ok(
        stored.has(id),
        `request ${id} (${status}) is lost, ended ${killedAt - at} ms before the kill; ${stored.size} stored`,
      );
      isOurs.add(id);
    }
  }

  async function checkSaved(gateway: GatewayProcess, load: Load): Promise<void> {
    load.retention.settle((await read(gateway, '/api/settings')).retentionDays, 'retentionDays');
    const chain = (await read(gateway, '/api/chain')).data
      .map(({ model }: { model: string }) => model)
      .filter((model: string) => /^custom:(one|two)/.test(model));
    load.chain.settle(chain, 'the chain');
    const keys = new Map<string, { label: string; provider: string }>();
    for (const key of (await read(gateway, '/api/keys')).data) {
      if (!key.id.startsWith('config:')) keys.set(key.id, key);
    }
    for (const [id, register] of load.keys) {
      register.settle(keys.get(id)?.label ?? null, `the label of ${id}`);
      if (!keys.delete(id)) load.keys.delete(id);
    }
    for (const [id, { provider }] of keys) assert.ok(load.unconfirmedKeys.has(provider), `${id} came from nowhere`);
  }

  async function checkCooldown(gateway: GatewayProcess): Promise<void> {
    const { data } = await read(gateway, '/api/cooldowns');
    assert.ok(
      data.some(({ provider }: { provider: string }) => provider === 'groq'),
      'the hour-long cooldown is forgotten',
    );
  }

  /** Older rows are all there, once each, and the sums are those of the rows. */
  async function checkTotals(gateway: GatewayProcess, load: Load, isOurs: Set<string>): Promise<void> {
    const ids = await storedIds(gateway, 0);
    const stored = new Set(ids);
    assert.equal(stored.size, ids.length, 'a request is listed twice');
    for (const id of isOurs) assert.ok(stored.has(id), `the older request ${id} is lost`);
    const { totals } = await read(gateway, '/api/analytics?window=24h');
    assert.equal(totals.requests, ids.length, 'the sums are not those of the rows');
    assert.ok(load.requests.length > KILLS * 3, 'there was hardly any load');
  }

  /** An ordinary, sound database; and nothing in any file that nobody may keep. */
  function checkFiles(): void {
    const database = path.join(folder, 'ledger.sqlite');
    const sqlite = (sql: string) => execFileSync('sqlite3', [database, sql], { encoding: 'utf8' }).trim();
    try {
      assert.equal(sqlite('pragma integrity_check'), 'ok');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      console.log('      (there is no sqlite3 here: its own check is left out)');
    }
    for (const name of readdirSync(folder)) {
      if (name === 'config.json') continue;
      const text = readFileSync(path.join(folder, name), 'latin1');
      for (const mark of Object.values(MARKS)) assert.ok(!text.includes(mark), `${name} holds ${mark}`);
      assert.ok(!name.includes('damaged'), `${name}: a file was taken for damaged`);
    }
  }
});
