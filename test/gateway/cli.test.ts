import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { SCHEMA_VERSION } from '../../src/gateway/ledger/schema.js';
import { dataWith, send } from '../support/client.js';
import { startProvider } from '../support/provider.js';

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

const root = path.resolve(import.meta.dirname, '../..');
const token = 'freellmapi-0123456789abcdef0123';
const adminToken = 'admin-0123456789abcdef0123';
const chunk = (delta: object, reason: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;

const listened = (child: ChildProcess) =>
  new Promise<{ code: null }>((resolve) => child.stdout?.once('data', () => resolve({ code: null })));

describe('freellm serve', function () {
  // Each run loads the sources through tsx.
  this.timeout(120_000);
  let folder = '';
  let children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-cli-'));
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    rmSync(folder, { recursive: true, force: true });
  });

  function run(...args: string[]) {
    const start = "import('./src/gateway/cli.ts').then((cli) => cli.runCli(process.argv.slice(1), 'src/gateway'))";
    const child = spawn(process.execPath, ['--import', 'tsx', '--eval', start, '--', ...args], { cwd: root });
    children.push(child);
    let out = '';
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const line = new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        if (out.includes('\n')) resolve(out.slice(0, out.indexOf('\n')));
      });
      child.on('close', () => reject(new Error(`it ended before it listened: ${err}`)));
    });
    line.catch(() => undefined);
    const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
    return { child, line, ended };
  }
  const serve = (...args: string[]) => run('serve', '--port', '0', '--data', folder, ...args);

  function config(text: string): string {
    const file = path.join(folder, 'config.json');
    writeFileSync(file, text);
    return file;
  }

  async function assertRefused(running: ReturnType<typeof run>, said: RegExp): Promise<void> {
    const { code, out, err } = await running.ended;
    assert.equal(code, 2, err);
    assert.equal(out, '');
    assert.match(err, /^freellm: [^\n]+\n$/, 'one line, no stack');
    assert.match(err, said);
  }

  it('prints one JSON line, lets a stream finish after SIGTERM and exits 0', async () => {
    let finish = () => {};
    const provider = await startProvider((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk({ role: 'assistant', content: 'first' }));
      finish = () => response.end(`${chunk({ content: 'last' })}${chunk({}, 'stop')}data: [DONE]\n\n`);
    });
    try {
      const file = config(
        JSON.stringify({
          token,
          adminToken,
          providers: {
            'custom:lab': { baseUrl: provider.baseUrl, keys: [{ key: 'k-0123456789' }], models: [{ id: 'm' }] },
          },
          settings: { healthProbes: false },
        }),
      );
      const { child, line, ended } = serve('--config', file, '--log-level', 'debug');
      const listening = JSON.parse(await line);
      assert.deepEqual(listening, { event: 'listening', url: listening.url, token, adminToken });
      assert.match(listening.url, /^http:\/\/127\.0\.0\.1:\d+$/);
      const answer = await send(`${listening.url}/v1/chat/completions`, {
        headers: { authorization: `Bearer ${token}` },
        body: { model: 'auto', stream: true, messages: [{ role: 'user', content: 'a secret prompt' }] },
      });
      await answer.until(dataWith('first'));
      child.kill('SIGTERM');
      finish();
      await answer.until(dataWith('last'));
      const { code, out, err } = await ended;
      assert.equal(code, 0, err);
      assert.equal(out.trim().split('\n').length, 1);
      for (const text of err.trim().split('\n')) assert.equal(typeof JSON.parse(text).message, 'string');
      for (const secret of [token, adminToken, 'k-0123456789', 'a secret prompt']) assert.ok(!err.includes(secret));
    } finally {
      await provider.close();
    }
  });

  it('keeps its tokens over restarts', async () => {
    const tokens: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      const { child, line, ended } = serve();
      tokens.push(JSON.parse(await line).token);
      child.kill('SIGINT');
      assert.equal((await ended).code, 0);
    }
    assert.equal(tokens[0], tokens[1]);
  });

  it('exits 2 with one line when the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await assertRefused(run('serve', '--data', folder, '--port', String(port)), new RegExp(`port ${port} .*taken`));
    server.close();
  });

  it('exits 2 with one line for flags it cannot use', async () => {
    await Promise.all([
      assertRefused(run('serve', '--nope'), /--nope/),
      assertRefused(run('serve', '--port', ''), /--port/),
      assertRefused(serve('--host', ''), /--host/),
      assertRefused(serve('--log-level', 'loud'), /--log-level/),
    ]);
    await Promise.all([
      assertRefused(run('frob'), /unknown command/),
      assertRefused(serve('--config', folder), /--config .*directory/),
      assertRefused(serve('--config', 'two\nlines'), /two lines/),
      assertRefused(run('serve', '--port', '0', '--data', config('{}')), /--data .+ a file, not a folder/),
    ]);
  });

  it('exits 2 with one line for a data folder that cannot be, though the config brings the tokens', async () => {
    const file = config(JSON.stringify({ token, adminToken }));
    const on = (data: string) => run('serve', '--port', '0', '--config', file, '--data', data);
    await Promise.all([
      assertRefused(on(file), /--data .+ a file, not a folder/),
      assertRefused(on(path.join(file, 'below')), /--data .+ cannot be made \(ENOTDIR/),
      // A folder is there, and nothing can be made in it.
      ...(process.platform === 'linux' ? [assertRefused(on('/proc/none/data'), /cannot be made \(ENOENT/)] : []),
    ]);
  });

  it('says that a damaged file brought new tokens, and that it waits for a lock', async () => {
    writeFileSync(path.join(folder, 'gateway.json'), '{"token":');
    const held = JSON.stringify({ pid: 7, hostname: 'elsewhere.invalid', instance: 'test', startedAt: null });
    writeFileSync(path.join(folder, 'ledger.lock'), held);
    const { ended, child } = serve();
    let err = '';
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (text: string) => {
        err += text;
        if (err.includes('still runs')) resolve();
      });
    });
    rmSync(path.join(folder, 'ledger.lock'));
    const { code } = await Promise.race([ended, listened(child)]);
    assert.equal(code, null, 'it listens');
    const said = err.split('\n').filter((line) => line !== '');
    assert.match(said[0] ?? '', /"warn".+gateway\.json was damaged and is now .+There is a new token/);
    assert.match(said[1] ?? '', /nobody can tell .+process 7 on elsewhere\.invalid.+ still runs: FreeLLM waits/);
  });

  it('asks for an update when a newer version wrote the ledger', async () => {
    const header = Buffer.alloc(100);
    header.write('SQLite format 3\0', 'latin1');
    header.writeUInt32BE(SCHEMA_VERSION + 1, 60);
    writeFileSync(path.join(folder, 'ledger.sqlite'), header);
    await assertRefused(serve(), /newer version of FreeLLM wrote the database: update FreeLLM\./);
  });

  const configs: [string, string, RegExp][] = [
    ['broken JSON', '{\n"chain": [],\n"providers": {,}\n}', /line 3/],
    ['nesting without end', '['.repeat(200_000), /config\.json/],
    ['an unknown provider', '{"providers":{"grok":{}}}', /providers\.grok: .*"groq"/],
    ['a wrong type', '{"chain":7}', /chain/],
    ['a key pasted as a model', '{"chain":["gsk_abcdefghijklmnopqrst"]}', /chain\[0\]: expected "provider\/model"/],
  ];
  for (const [title, text, said] of configs) {
    it(`exits 2 with one line for a config with ${title}`, () => assertRefused(serve('--config', config(text)), said));
  }
});
