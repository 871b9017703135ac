import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { noProxy } from '../../../src/gateway/net/proxy.js';
import { createUpstreamClient, type UpstreamClientOptions } from '../../../src/gateway/net/undiciClient.js';
import { UpstreamError, type UpstreamErrorKind } from '../../../src/gateway/net/upstream.js';
import type { Clock } from '../../../src/gateway/ports.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** Every name but `*.invalid` is this machine, and none counts as loopback: so proxies can be tried. */
const lookup: net.LookupFunction = (hostname, _, callback) => {
  if (hostname.endsWith('.invalid')) callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '', 0);
  else callback(null, [{ address: hostname === 'rebound.test' ? '169.254.169.254' : '127.0.0.1', family: 4 }]);
};

function client(options: UpstreamClientOptions = {}) {
  const made = createUpstreamClient({ lookup, isLoopback: () => false, ...options });
  cleanups.push(() => made.close());
  return made;
}

const get = (url: string) => ({ method: 'GET' as const, url, headers: {}, body: null });
const post = (url: string) => ({ method: 'POST' as const, url, headers: { 'X-A': 'b' }, body: '{"é":1}' });
const timeouts = { connectMs: 30_000, headersMs: 30_000 };

async function assertKind(promise: Promise<unknown>, kind: UpstreamErrorKind): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof UpstreamError, String(error));
    assert.equal(error.kind, kind, error.message);
    return true;
  });
}

function manualClock(): Clock & { advance(ms: number): void } {
  let now = 0;
  const timers = new Set<{ at: number; run(): void }>();
  return {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at <= now && timers.delete(timer)) timer.run();
      }
    },
  };
}

/** undici takes a connection back one turn of the event loop after the answer's end; a request before that opens another. */
const isIdle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Settles with the error of a `send`. */
function sendError(from: ReturnType<typeof client>, url: string, limits = timeouts): Promise<UpstreamError> {
  return new Promise((resolve, reject) => {
    from.send(post(url), limits, {
      onHeaders: () => undefined,
      onData: () => undefined,
      onEnd: () => reject(new Error('ended')),
      onError: resolve,
    });
  });
}

describe('createUpstreamClient', () => {
  it('sends the body, asks for identity, joins headers and keeps the connection', async () => {
    let connections = 0;
    const server = http.createServer((request, response) => {
      let body = '';
      request
        .on('data', (chunk) => (body += chunk))
        .on('end', () => {
          response.setHeader('X-Many', ['1', '2']);
          response.end(`${request.url} ${request.headers['accept-encoding']} ${request.headers['x-a']} ${body}`);
        });
    });
    server.on('connection', () => connections++);
    const port = await listen(server);
    const upstream = client();
    for (let index = 0; index < 3; index++) {
      const answer = await upstream.fetchText(post(`http://127.0.0.1:${port}/a?b=c`), 9_000);
      assert.equal(answer.body, '/a?b=c identity b {"é":1}');
      assert.equal(answer.headers['x-many'], '1, 2');
      await isIdle();
    }
    assert.equal(connections, 1);
  });

  it('does not follow redirects', async () => {
    const port = await listen(http.createServer((_, response) => response.writeHead(302, { location: '/x' }).end()));
    assert.equal((await client().fetchText(get(`http://127.0.0.1:${port}/`), 9_000)).status, 302);
  });

  it('decompresses what a server compresses anyway', async () => {
    const server = http.createServer((request, response) => {
      const isGzip = request.url === '/gzip';
      response.setHeader('content-encoding', isGzip ? 'gzip' : 'br');
      response.end(isGzip ? gzipSync('hellö') : brotliCompressSync('hellö'));
    });
    const port = await listen(server);
    for (const path of ['gzip', 'br']) {
      const answer = await client().fetchText(get(`http://127.0.0.1:${port}/${path}`), 9_000);
      assert.equal(answer.body, 'hellö');
      assert.equal(answer.headers['content-encoding'], undefined);
    }
  });

  it('abort closes the connection and gives nothing but the one error', async () => {
    const closed = new Promise<void>((resolve) => {
      const server = http.createServer((request, response) => {
        request.socket.once('close', () => resolve());
        response.write('data: 1\n\n');
      });
      listen(server).then((port) => {
        const calls: string[] = [];
        const exchange = client().send(get(`http://127.0.0.1:${port}/`), timeouts, {
          onHeaders: () => calls.push('headers'),
          onData: () => {
            exchange.abort();
            exchange.abort();
            assert.deepEqual(calls, ['headers', 'aborted']);
          },
          onEnd: () => calls.push('end'),
          onError: (error) => calls.push(error.kind),
        });
      });
    });
    await closed;
  });

  it('abort before the connection is up', async () => {
    const port = await listen(http.createServer(() => assert.fail('no request')));
    const error = await new Promise<UpstreamError>((resolve) => {
      const handler = { onHeaders() {}, onData() {}, onEnd() {}, onError: resolve };
      client()
        .send(get(`http://127.0.0.1:${port}/`), timeouts, handler)
        .abort();
    });
    assert.equal(error.kind, 'aborted');
  });

  it('names refused, dns, blocked and header mistakes, and never calls back within send', async () => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, 'close');
    await assertKind(client().fetchText(get(`http://127.0.0.1:${port}/`), 9_000), 'refused');
    await assertKind(client().fetchText(get('https://nx.invalid/'), 9_000), 'dns');
    const blocked = [
      '169.254.169.254',
      '[fe80::1]',
      '[::ffff:169.254.1.1]',
      '0.0.0.0',
      '100.100.100.200',
      '2852039166',
    ];
    for (const host of [...blocked, 'rebound.test', 'metadata.google.internal', '[fd00:ec2::254]']) {
      await assertKind(client().fetchText(get(`http://${host}/latest`), 9_000), 'blocked');
    }
    let isReturned = false;
    await new Promise<void>((resolve) => {
      const handler = {
        onHeaders() {},
        onData() {},
        onEnd() {},
        onError(error: UpstreamError) {
          assert.ok(isReturned);
          assert.ok(!error.message.includes('secret'));
          resolve();
        },
      };
      client().send({ ...get('http://127.0.0.1/'), headers: { authorization: 'secret\n' } }, timeouts, handler);
      isReturned = true;
    });
  });

  it('reset before and within the answer', async () => {
    const server = net.createServer((socket) => {
      socket.once('data', (data) => {
        if (String(data).startsWith('POST /early')) socket.resetAndDestroy();
        else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc');
      });
    });
    const port = await listen(server);
    assert.equal((await sendError(client(), `http://127.0.0.1:${port}/early`)).kind, 'reset');
    assert.equal((await sendError(client(), `http://127.0.0.1:${port}/late`)).kind, 'reset');
  });

  it('headers and connect time-outs run on the injected clock', async () => {
    const clock = manualClock();
    const port = await listen(http.createServer(() => clock.advance(200)));
    const upstream = client({ clock });
    const limits = { connectMs: 150, headersMs: 200 };
    assert.equal((await sendError(upstream, `http://127.0.0.1:${port}/`, limits)).kind, 'headers-timeout');
    const neverResolves = client({ clock, lookup: () => setImmediate(() => clock.advance(150)) });
    assert.equal((await sendError(neverResolves, 'http://slow.test/', limits)).kind, 'connect-timeout');
  });

  it('sends once more when the kept-alive connection turns out closed, but not on a new one', async () => {
    let connections = 0;
    let requests = 0;
    const server = net.createServer((socket) => {
      connections++;
      let served = 0;
      socket.on('data', () => {
        requests++;
        // The second request on a connection meets a reset: the server had closed it just then.
        if (served++ > 0) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
    });
    const port = await listen(server);
    const upstream = client();
    for (let index = 0; index < 2; index++) {
      assert.equal((await upstream.fetchText(post(`http://127.0.0.1:${port}/`), 9_000)).body, 'ok');
      await isIdle();
    }
    assert.deepEqual([connections, requests], [2, 3]);
  });

  it('says when a request is written, and when it is again', async () => {
    const server = net.createServer((socket) => {
      let served = 0;
      socket.on('data', () => {
        if (served++ > 0) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
    });
    const port = await listen(server);
    const upstream = client();
    const all: string[][] = [];
    for (let index = 0; index < 2; index++) {
      const events: string[] = [];
      all.push(events);
      await new Promise<void>((resolve, reject) => {
        upstream.send(
          post(`http://127.0.0.1:${port}/`),
          { connectMs: 9_000, headersMs: 9_000 },
          {
            onSent: () => events.push('sent'),
            onHeaders: () => events.push('headers'),
            onData() {},
            onEnd: resolve,
            onError: reject,
          },
        );
      });
      await isIdle();
    }
    assert.deepEqual(all, [
      ['sent', 'headers'],
      ['sent', 'sent', 'headers'],
    ]);
  });

  it('a connection that replaces a dead kept-alive one has the connect time-out too', async () => {
    const clock = manualClock();
    const server = net.createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    const port = await listen(server);
    let lookups = 0;
    const upstream = client({
      clock,
      lookup(hostname, options, callback) {
        if (lookups++ === 0) lookup(hostname, options, callback);
        else setImmediate(() => clock.advance(150));
      },
    });
    assert.equal((await upstream.fetchText(get(`http://up.test:${port}/`), 9_000)).body, 'ok');
    await isIdle();
    const error = await sendError(upstream, `http://up.test:${port}/`, { connectMs: 150, headersMs: 9_000 });
    assert.equal(error.kind, 'connect-timeout');
  });

  it('fetchText stops at 8 MB, at its signal, and after close', async () => {
    const port = await listen(
      http.createServer((request, response) => {
        if (request.url === '/large') response.end(Buffer.alloc(8 * 1024 * 1024 + 1));
      }),
    );
    const upstream = client();
    await assertKind(upstream.fetchText(get(`http://127.0.0.1:${port}/large`), 9_000), 'other');
    await assertKind(upstream.fetchText(get(`http://127.0.0.1:${port}/`), 9_000, AbortSignal.abort()), 'aborted');
    const running = assertKind(upstream.fetchText(get(`http://127.0.0.1:${port}/`), 9_000), 'aborted');
    await upstream.close();
    await running;
    await assertKind(upstream.fetchText(get(`http://127.0.0.1:${port}/`), 9_000), 'aborted');
  });
});

interface Tunnel {
  host: string;
  port: number;
}

/** A CONNECT proxy that sends every name to this machine. */
async function httpProxy(seen: Tunnel[], authorization?: string): Promise<number> {
  const server = http.createServer();
  server.on('connect', (request, socket: net.Socket) => {
    socket.on('error', () => undefined);
    if (request.headers['proxy-authorization'] !== authorization) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host, port] = request.url!.split(':');
    seen.push({ host: host!, port: Number(port) });
    const out = net.connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      out.pipe(socket).pipe(out);
    });
    out.on('error', () => socket.destroy());
  });
  return listen(server);
}

/** Gives whole reads of n bytes from a socket. */
function reader(socket: net.Socket): (size: number) => Promise<Buffer> {
  return async (size) => {
    for (;;) {
      const bytes = socket.read(size) as Buffer | null;
      if (bytes) return bytes;
      await once(socket, 'readable');
    }
  };
}

async function serveSocks(socket: net.Socket, seen: Tunnel[], login?: string): Promise<void> {
  const read = reader(socket);
  const methods = await read((await read(2))[1]!);
  const wanted = login === undefined ? 0 : 2;
  if (!methods.includes(wanted)) return void socket.end(Buffer.from([5, 0xff]));
  socket.write(Buffer.from([5, wanted]));
  if (login !== undefined) {
    const user = await read((await read(2))[1]!);
    const password = await read((await read(1))[0]!);
    const isRight = `${user}:${password}` === login;
    socket.write(Buffer.from([1, isRight ? 0 : 1]));
    if (!isRight) return void socket.end();
  }
  const [, , , type] = await read(4);
  const host = type === 3 ? String(await read((await read(1))[0]!)) : (await read(4)).join('.');
  const port = (await read(2)).readUInt16BE();
  seen.push({ host, port });
  const out = net.connect(port, '127.0.0.1', () => {
    socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
    out.pipe(socket).pipe(out);
  });
  out.on('error', () => socket.destroy());
}

function socksProxy(seen: Tunnel[], login?: string): Promise<number> {
  return listen(net.createServer((socket) => void serveSocks(socket, seen, login).catch(() => socket.destroy())));
}

describe('TLS and proxies', () => {
  let folder = '';
  let key = '';
  let cert = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'freellm-tls-'));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=up.test', '-addext', 'subjectAltName=DNS:up.test'];
    const files = ['-keyout', keyFile, '-out', certFile, '-days', '2', '-nodes'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files, ...subject], { stdio: 'ignore' });
    key = readFileSync(keyFile, 'utf8');
    cert = readFileSync(certFile, 'utf8');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const plain = () => listen(http.createServer((_, response) => response.end('plain')));
  const secure = () => listen(https.createServer({ key, cert }, (_, response) => response.end('secure')));

  it('refuses a self-signed certificate, takes it as an extra root, and without strict TLS', async () => {
    const port = await secure();
    const url = `https://up.test:${port}/`;
    await assertKind(client().fetchText(get(url), 9_000), 'tls');
    const trusting = { ...noProxy, certificates: ['not a certificate', cert] };
    assert.equal((await client({ proxy: trusting }).fetchText(get(url), 9_000)).body, 'secure');
    await assertKind(client({ proxy: trusting }).fetchText(get(`https://other.test:${port}/`), 9_000), 'tls');
    const lax = { ...noProxy, strictTls: false };
    assert.equal((await client({ proxy: lax }).fetchText(get(url), 9_000)).body, 'secure');
  });

  it('tunnels http and https through an http proxy, keeping the connection, and bypasses what is listed', async () => {
    const seen: Tunnel[] = [];
    const authorization = `Basic ${Buffer.from('me:pw').toString('base64')}`;
    const url = `http://me:pw@127.0.0.1:${await httpProxy(seen, authorization)}`;
    const upstream = client({ proxy: { ...noProxy, url, certificates: [cert], bypass: ['*.direct.test'] } });
    const [http1, https1] = [await plain(), await secure()];
    assert.equal((await upstream.fetchText(get(`http://up.test:${http1}/`), 9_000)).body, 'plain');
    for (let index = 0; index < 2; index++) {
      assert.equal((await upstream.fetchText(get(`https://up.test:${https1}/`), 9_000)).body, 'secure');
      await isIdle();
    }
    assert.equal((await upstream.fetchText(get(`http://a.direct.test:${http1}/`), 9_000)).body, 'plain');
    const tunnels = [
      { host: 'up.test', port: http1 },
      { host: 'up.test', port: https1 },
    ];
    assert.deepEqual(seen, tunnels);
    await assertKind(upstream.fetchText(get('http://169.254.169.254/'), 9_000), 'blocked');
    upstream.setProxy(noProxy);
    assert.equal((await upstream.fetchText(get(`http://up.test:${http1}/`), 9_000)).body, 'plain');
    assert.equal(seen.length, 2);
  });

  it('never proxies loopback', async () => {
    const port = await plain();
    const upstream = createUpstreamClient({ proxy: { ...noProxy, url: 'http://127.0.0.1:1' } });
    cleanups.push(() => upstream.close());
    assert.equal((await upstream.fetchText(get(`http://127.0.0.1:${port}/`), 9_000)).body, 'plain');
  });

  it('names a proxy that refuses, is away, closes during CONNECT, or cannot be used', async () => {
    const closing = await listen(net.createServer((socket) => socket.once('data', () => socket.end())));
    const urls = [await httpProxy([], 'Basic other'), 1, closing].map((port) => `http://127.0.0.1:${port}`);
    for (const url of [...urls, `socks5://127.0.0.1:${closing}`, 'ftp://proxy.test']) {
      await assertKind(client({ proxy: { ...noProxy, url } }).fetchText(get('http://up.test/'), 9_000), 'proxy');
    }
  });

  it('SOCKS5 with and without a login; socks5h leaves the name to the proxy', async () => {
    const [http1, https1] = [await plain(), await secure()];
    const seen: Tunnel[] = [];
    const open = { ...noProxy, url: `socks5h://127.0.0.1:${await socksProxy(seen)}`, certificates: [cert] };
    const upstream = client({ proxy: open });
    assert.equal((await upstream.fetchText(get(`http://up.test:${http1}/`), 9_000)).body, 'plain');
    assert.equal((await upstream.fetchText(get(`https://up.test:${https1}/`), 9_000)).body, 'secure');
    const port = await socksProxy(seen, 'me:p:w');
    const login = client({ proxy: { ...noProxy, url: `socks5://me:p%3Aw@127.0.0.1:${port}` } });
    assert.equal((await login.fetchText(get(`http://up.test:${http1}/`), 9_000)).body, 'plain');
    await assertKind(login.fetchText(get('http://rebound.test/'), 9_000), 'blocked');
    assert.deepEqual(
      seen.map((tunnel) => tunnel.host),
      ['up.test', 'up.test', '127.0.0.1'],
    );
    const wrong = client({ proxy: { ...noProxy, url: `socks5://me:no@127.0.0.1:${port}` } });
    await assertKind(wrong.fetchText(get(`http://up.test:${http1}/`), 9_000), 'proxy');
  });
});
