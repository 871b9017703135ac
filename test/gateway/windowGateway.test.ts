import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../../scripts/lib/freePort.mjs';
import { SCHEMA_VERSION } from '../../src/gateway/ledger/schema.js';
import type { Clock } from '../../src/gateway/ports.js';
import { WindowGateway } from '../../src/gateway/windowGateway.js';
import { credentialOf } from '../../src/loopback/proof.js';
import type { FromGateway, StoredKey, WorkerStart } from '../../src/protocol/worker.js';
import { send } from '../support/client.js';
import { systemClock } from '../support/gateway.js';

type MessageOf<Type extends FromGateway['type']> = Extract<FromGateway, { type: Type }>;

const key = (id: string, change: Partial<StoredKey> = {}): StoredKey => ({
  id,
  provider: 'custom:lab',
  label: id,
  enabled: true,
  secret: `secret-of-${id}`,
  baseUrl: 'http://127.0.0.1:9/v1',
  ...change,
});

/** Twenty seconds in one. */
const fastClock: Clock = {
  now: () => Date.now() * 20,
  after: (ms, run) => systemClock.after(ms / 20, run),
};

/** A window: the gateway's thread with an editor that stores keys in memory. */
class Window {
  readonly heard: FromGateway[] = [];
  readonly gateway: WindowGateway;
  private readonly arrivals = new EventEmitter().setMaxListeners(100);
  private isClosed = false;
  private toldKeys: number | null = null;

  constructor(
    start: Partial<WorkerStart> & { port: number; dataDir: string },
    public stored: StoredKey[] = [],
    private readonly secretStorage: 'works' | 'silent' | 'locked' = 'works',
    clock = systemClock,
  ) {
    this.gateway = new WindowGateway(
      {
        host: '127.0.0.1',
        seed: {},
        developmentToken: null,
        proxy: { url: null, bypass: [], strictTls: true, certificates: [], authorization: null },
        settings: {},
        version: '0.0.0-test',
        logLevel: 'debug',
        ...start,
      },
      { clock, log: this, post: (message) => this.hear(message) },
    );
    this.gateway.begin();
  }

  log(_level: string, _component: string, message: string, fields?: Record<string, unknown>): void {
    if (message !== 'The leader told its keys') return;
    this.toldKeys = Number(fields?.keys);
    this.arrivals.emit('message');
  }

  /** Resolves once the leader's last word was so many keys. */
  async told(keys: number): Promise<void> {
    while (this.toldKeys !== keys) await once(this.arrivals, 'message');
  }

  private hear(message: FromGateway): void {
    this.heard.push(message);
    if (message.type === 'keys.wanted' && this.secretStorage === 'locked') {
      this.gateway.receive({ type: 'keys.unreadable', sequence: message.sequence, error: 'the keyring is locked' });
    } else if (message.type === 'keys.wanted' && this.secretStorage === 'works') {
      this.gateway.receive({ type: 'keys', sequence: message.sequence, keys: this.stored });
    } else if (message.type === 'keys.changed') {
      this.stored = message.keys;
      this.gateway.receive({ type: 'keys.saved', sequence: message.sequence, error: null });
    }
    this.arrivals.emit('message');
  }

  /** The next message of this type that has not been taken yet. */
  async next<Type extends FromGateway['type']>(type: Type): Promise<MessageOf<Type>> {
    for (;;) {
      const at = this.heard.findIndex((message) => message.type === type);
      if (at >= 0) return this.heard.splice(at, 1)[0] as MessageOf<Type>;
      await once(this.arrivals, 'message');
    }
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.gateway.close();
  }
}

describe('one gateway for several windows', () => {
  let dataDir = '';
  let port = 0;
  let windows: Window[] = [];
  beforeEach(async () => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'freellm-windows-'));
    port = await freePort();
  });
  afterEach(async () => {
    await Promise.all(windows.map((window) => window.close()));
    windows = [];
    rmSync(dataDir, { recursive: true, force: true });
  });
  function open(
    stored: StoredKey[] = [],
    change: Partial<WorkerStart> = {},
    secretStorage: 'works' | 'silent' | 'locked' = 'works',
    clock = systemClock,
  ): Window {
    const window = new Window({ port, dataDir, ...change }, stored, secretStorage, clock);
    windows.push(window);
    return window;
  }
  async function call(at: { secret: string; instance: string }, method: string, where: string, body?: unknown) {
    const headers = { authorization: `Bearer ${credentialOf(at.secret, at.instance)}` };
    return send(`http://127.0.0.1:${port}${where}`, { method, headers, ...(body === undefined ? {} : { body }) });
  }
  const ids = async (at: { secret: string; instance: string }) =>
    (await (await call(at, 'GET', '/api/keys')).json()).data.map(({ id }: { id: string }) => id);

  it('leads in the first window, which keeps the tokens, and is followed by the others', async () => {
    const seed = { token: 'freellmapi-seed', adminToken: 'admin-seed' };
    const a = open([key('one')], { seed });
    const listening = await a.next('listening');
    assert.deepEqual(await a.next('identity'), { type: 'identity', ...seed });
    const b = open([key('other')], { seed: { token: 'freellmapi-b', adminToken: 'admin-b' } });
    const c = open();
    for (const window of [b, c]) {
      const { type, version, ...where } = await window.next('following');
      assert.deepEqual({ ...where, type: 'listening' }, listening);
      assert.ok(!window.heard.some((message) => ['keys.wanted', 'identity'].includes(message.type)));
    }
    const endpoint = await (await call(listening, 'GET', '/api/endpoint')).json();
    assert.deepEqual(endpoint, { baseUrl: `http://127.0.0.1:${port}/v1`, token: 'freellmapi-seed' });
    assert.deepEqual(await ids(listening), ['one']);
  });

  it('hands over at once when the leader closes, with keys that only it had', async () => {
    const a = open([key('one')]);
    const first = await a.next('listening');
    const b = open([key('own'), key('gone')]);
    await b.next('following');
    const added = await call(first, 'POST', '/api/keys', {
      provider: 'custom:more',
      baseUrl: 'http://127.0.0.1:9/v1',
      key: 'k-0123456789',
    });
    assert.equal(added.status, 201);
    const { key: made } = await added.json();
    assert.deepEqual(
      a.stored.map(({ id }) => id),
      ['one', made.id],
    );
    await b.told(2);
    const closed = a.close();
    const second = await b.next('listening');
    assert.notEqual(second.instance, first.instance);
    assert.equal(second.secret, first.secret);
    assert.deepEqual(await ids(second), ['one', made.id, 'own', 'gone']);
    const { keys } = (await b.next('keys.changed')) as { keys: StoredKey[] };
    assert.equal(keys.find(({ id }) => id === made.id)?.secret, 'k-0123456789');
    await closed;
    assert.equal((await call(first, 'GET', '/api/keys')).status, 401, 'the credential was of the first');
  });

  it('has the keys again on a fresh data folder, from the same SecretStorage', async () => {
    const a = open([key('one')]);
    const first = await a.next('listening');
    const added = await call(first, 'POST', '/api/keys', {
      provider: 'custom:more',
      baseUrl: 'http://127.0.0.1:9/v1',
      key: 'k-0123456789',
    });
    const { key: made } = await added.json();
    await a.close();
    rmSync(dataDir, { recursive: true });
    const again = await open(a.stored).next('listening');
    assert.notEqual(again.secret, first.secret, 'nothing of the old folder is there');
    assert.deepEqual(await ids(again), ['one', made.id]);
    const { data } = await (await call(again, 'GET', '/api/keys')).json();
    assert.equal(data.find(({ id }: { id: string }) => id === made.id).provider, 'custom:more');
  });

  it('does not bring back what was removed, though an editor still has it stored', async () => {
    const a = open([key('one'), key('two')]);
    const first = await a.next('listening');
    const b = open([key('one'), key('two')]);
    await b.next('following');
    await b.told(2);
    assert.equal((await call(first, 'DELETE', '/api/keys/one')).status, 204);
    await b.told(1);
    await a.close();
    assert.deepEqual(await ids(await b.next('listening')), ['two']);
  });

  it('takes keys that changed elsewhere, if it leads', async () => {
    const a = open([key('one', { label: 'before' }), key('two')]);
    const first = await a.next('listening');
    const b = open();
    await b.next('following');
    b.gateway.receive({ type: 'keys', sequence: null, keys: [] });
    a.gateway.receive({ type: 'keys', sequence: null, keys: [key('one', { label: 'after' }), key('three')] });
    const { data } = await (await call(first, 'GET', '/api/keys')).json();
    assert.deepEqual(
      data.map(({ id, label }: { id: string; label: string }) => [id, label]),
      [
        ['one', 'after'],
        ['three', 'three'],
      ],
    );
    assert.ok(!a.heard.some(({ type }) => type === 'keys.changed'), 'what was read is not written');
  });

  it('has the settings of its editor, at its start and as they change', async () => {
    const window = open([], { settings: { stickyMinutes: 5 } });
    window.gateway.receive({ type: 'settings', settings: { retentionDays: 7, 'queue.timeoutSeconds': 3 } });
    const at = await window.next('listening');
    const settings = async () => (await call(at, 'GET', '/api/settings')).json();
    const first = await settings();
    assert.deepEqual(
      [first.stickyMinutes, first.retentionDays, first['queue.timeoutSeconds'], first.contextHandoff],
      [5, 7, 3, true],
    );
    window.gateway.receive({ type: 'settings', settings: { stickyMinutes: undefined, contextHandoff: false } });
    const second = await settings();
    assert.deepEqual([second.stickyMinutes, second.retentionDays, second.contextHandoff], [30, 7, false]);
  });

  it('answers whois and liveness from the start; all else waits for the keys', async () => {
    const a = open([], {}, 'silent');
    const { sequence } = await a.next('keys.wanted');
    assert.equal((await send(`http://127.0.0.1:${port}/livez`)).status, 200);
    const b = open();
    const following = await b.next('following');
    const waiting = ids(following);
    a.gateway.receive({ type: 'keys', sequence, keys: [key('one')] });
    assert.deepEqual(await waiting, ['one']);
    await a.next('listening');
  });

  it('closes at once while it waits for the keys', async () => {
    const a = open([], {}, 'silent');
    await a.next('keys.wanted');
    await a.close();
    assert.deepEqual(
      a.heard.map(({ type }) => type),
      ['closed'],
    );
  });

  it('says what keeps the editor from reading the keys', async () => {
    const a = open([], {}, 'locked');
    assert.deepEqual(await a.next('failed'), { type: 'failed', reason: 'error', message: 'the keyring is locked' });
    await assert.rejects(send(`http://127.0.0.1:${port}/livez`), /ECONNREFUSED/);
  });

  it('says that a stranger holds the port, tells it nothing, and takes over when it goes', async () => {
    const received: string[] = [];
    const stranger = createServer((request, response) => {
      received.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
      response.end('{}');
    });
    stranger.listen(port, '127.0.0.1');
    await once(stranger, 'listening');
    const a = open([], {}, 'works', fastClock);
    const failed = await a.next('failed');
    assert.equal(failed.reason, 'port-taken');
    const { secret, token, adminToken } = JSON.parse(readFileSync(path.join(dataDir, 'gateway.json'), 'utf8'));
    assert.ok(received.length > 3);
    for (const line of received) {
      assert.match(line, /^GET \/api\/whois\?nonce=[0-9a-f]{32} \{"host":"127\.0\.0\.1:\d+"\}$/);
      for (const text of [secret, token, adminToken]) assert.ok(!line.includes(text));
    }
    await new Promise((resolve) => stranger.close(resolve));
    await a.next('listening');
  });

  it('asks for a reload where a newer version wrote the ledger, and leaves that alone', async () => {
    const file = path.join(dataDir, 'ledger.sqlite');
    const header = Buffer.alloc(100);
    header.write('SQLite format 3\0', 'latin1');
    header.writeUInt32BE(SCHEMA_VERSION + 1, 60);
    writeFileSync(file, header);
    const a = open([], {}, 'works', fastClock);
    assert.equal((await a.next('failed')).reason, 'needs-reload');
    await assert.rejects(send(`http://127.0.0.1:${port}/livez`), /ECONNREFUSED/);
    assert.deepEqual(readFileSync(file), header);
  });

  it('says that a damaged file brought a new token, and nothing where the editor has kept the old one', async () => {
    const file = path.join(dataDir, 'gateway.json');
    writeFileSync(file, '{"token":');
    const a = open();
    const { notice } = await a.next('notice');
    assert.equal(notice.kind, 'new-token');
    assert.match(notice.file ?? '', /gateway\.json\.damaged-/);
    const { token, adminToken } = await a.next('identity');
    assert.ok(!notice.message.includes(token));
    await a.close();
    writeFileSync(file, '');
    const b = open([], { seed: { token, adminToken } });
    assert.equal((await b.next('identity')).token, token);
    assert.ok(!b.heard.some(({ type }) => type === 'notice'));
  });

  it('goes on where the data folder cannot be written', async () => {
    const blocked = path.join(dataDir, 'blocked');
    writeFileSync(blocked, '');
    const seed = { token: 'freellmapi-seed', adminToken: 'admin-seed' };
    const a = open([], { dataDir: blocked, seed });
    await a.next('listening');
    const b = open([], { dataDir: blocked, seed });
    await b.next('following');
  });
});
