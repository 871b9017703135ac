import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type RequestOptions, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VerifiedConnection } from '../../../src/loopback/verifiedConnection.js';
import type { ChatBody, ToPlayground } from '../../../src/protocol/playground.js';
import { ChatRelay } from '../../../src/vscode/panels/chatRelay.js';
import { useBed } from '../../support/bed.js';
import { testInstance, testSecret, testToken } from '../../support/gateway.js';
import {
  chatCompletion,
  chatStream,
  chunk,
  errorStatus,
  type Handler,
  paced,
  sseText,
  streamOf,
} from '../../support/provider.js';

const BODY: ChatBody = { model: 'auto', stream: true, messages: [{ role: 'user', content: 'hi' }] };
type End = Extract<ToPlayground, { type: 'chat.end' }>;

/** A page that shows what it is told: it asks for more as soon as it has a part, unless told not to. */
class Page {
  readonly heard: ToPlayground[] = [];
  content = '';
  isSlow = false;
  readonly parts: string[] = [];
  private waiting: (() => void)[] = [];

  constructor(readonly relay: () => ChatRelay) {}

  take(message: ToPlayground): void {
    this.heard.push(message);
    if (message.type === 'chat.part') {
      this.content = (message.isFirst ? '' : this.content) + message.content;
      this.parts.push(message.content);
      if (!this.isSlow) queueMicrotask(() => this.relay().more(message.id));
    }
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  async until<T>(find: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  end(): Promise<End> {
    return this.until(() => this.heard.find((message): message is End => message.type === 'chat.end'));
  }
}

describe('the relay of streamed answers', () => {
  const bed = useBed();
  let connections: VerifiedConnection[] = [];
  let relays: ChatRelay[] = [];
  let servers: Server[] = [];
  afterEach(() => {
    for (const relay of relays) relay.dispose();
    for (const connection of connections) connection.dispose();
    connections = [];
    relays = [];
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    servers = [];
  });

  async function pageOn(script: Handler | readonly Handler[], providers = 1) {
    const made = [await bed.provider(script)];
    while (made.length < providers) made.push(await bed.provider(chatCompletion({ text: 'from the second' })));
    const gateway = await bed.gateway({
      config: {
        providers: Object.fromEntries(
          made.map(({ baseUrl }, at) => [
            `custom:p${at}`,
            { baseUrl, keys: [{ key: `sk-key-${at}` }], models: [{ id: 'm' }] },
          ]),
        ),
        chain: made.map((_, at) => `custom:p${at}/m`),
        strategy: 'priority',
        settings: { 'queue.timeoutSeconds': 0 },
      },
    });
    const connection = new VerifiedConnection({ url: gateway.url, instance: testInstance, secret: testSecret });
    connections.push(connection);
    const page: Page = new Page(() => relay);
    const relay = new ChatRelay({
      connection: () => connection,
      post: (message) => page.take(message),
      cut: (characters) => `[${characters} left out]`,
    });
    relays.push(relay);
    return { page, relay, provider: made[0] as (typeof made)[number] };
  }

  it('tells an answer with who gave it, how fast, and as it came', async () => {
    const { page, relay } = await pageOn(chatCompletion({ text: 'Hello, world.', reasoning: 'Hm.' }));
    relay.start('chat00001', { ...BODY, stream_options: { include_usage: true } });
    const end = await page.end();
    assert.equal(page.content, 'Hello, world.');
    assert.deepEqual(end.end, { kind: 'done', finish: 'stop' });
    assert.equal(end.route.via, 'custom:p0/m');
    assert.ok(end.route.requestId !== null);
    assert.deepEqual(end.usage, { promptTokens: 11, completionTokens: 7 });
    assert.ok(end.firstTokenMs !== null && end.totalMs >= end.firstTokenMs);
    assert.match(end.raw, /^x-request-id: .*\nx-routed-via: custom:p0\/m/m);
    assert.match(end.raw, /data: \[DONE\]/);
    assert.ok(!JSON.stringify(page.heard).includes(testToken));
  });

  it('tells who failed before', async () => {
    const { page, relay } = await pageOn(errorStatus(429, 'slow down'), 2);
    relay.start('chat00001', BODY);
    const end = await page.end();
    assert.equal(page.content, 'from the second');
    assert.deepEqual(end.route.fallbacks, [{ model: 'custom:p0/m', kind: 'rate_limit' }]);
  });

  it('tells tool calls whole', async () => {
    const toolCalls = [
      { id: 'call_a', name: 'weather', arguments: '{"city":"Ulm"}' },
      { id: 'call_b', name: 'time', arguments: '{}' },
    ];
    const { page, relay } = await pageOn(chatStream(streamOf({ toolCalls })));
    relay.start('chat00001', {
      ...BODY,
      tools: toolCalls.map(({ name }) => ({ type: 'function', function: { name, parameters: { type: 'object' } } })),
    });
    await page.end();
    const last = page.heard.findLast((message) => message.type === 'chat.part' && message.calls !== null);
    assert.deepEqual(last?.type === 'chat.part' && last.calls, toolCalls);
  });

  it('sends no part before the one before was shown, however fast they come', async () => {
    const text = 'word '.repeat(20_000);
    const chunks = Array.from({ length: 1_000 }, (_, at) => chunk({ content: text.slice(at * 100, at * 100 + 100) }));
    const { page, relay } = await pageOn(chatStream([...chunks, chunk({}, 'stop')]));
    page.isSlow = true;
    relay.start('chat00001', BODY);
    await page.until(() => page.heard.length > 0);
    const before = page.heard.length;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(page.heard.length, before);
    page.isSlow = false;
    relay.more('chat00001');
    const { raw } = await page.end();
    assert.equal(page.content, text);
    assert.ok(Math.max(...page.parts.map(({ length }) => length)) <= 8 * 1024);
    assert.ok(page.parts.length < 60, `${page.parts.length} messages for 1,000 chunks`);
    assert.match(raw, /\[\d+ left out\]/);
    assert.ok(raw.length < 80_000);
  });

  it('stops when it is told to, and so does the provider', async () => {
    const never = new Promise<void>(() => {});
    const { page, relay, provider } = await pageOn(paced([sseText([chunk({ content: 'begun' })]), never]));
    relay.start('chat00001', BODY);
    await page.until(() => page.content === 'begun');
    relay.stop('chat00001');
    assert.deepEqual((await page.end()).end, { kind: 'stopped' });
    await provider.closed(1);
  });

  it('reads on while the page is hidden, and tells its next document all of it', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const rest = sseText([chunk({ content: ' and after' }), chunk({}, 'stop'), '[DONE]']);
    const { page, relay } = await pageOn(paced([sseText([chunk({ content: 'before' })]), gate, rest]));
    relay.start('chat00001', BODY);
    await page.until(() => page.content === 'before');
    relay.pause();
    const heard = page.heard.length;
    open();
    relay.resume('chat00001');
    await page.end();
    assert.ok(page.heard.slice(heard).some((message) => message.type === 'chat.part' && message.isFirst));
    assert.equal(page.content, 'before and after');
    relay.resume('chat00009');
    const lost = page.heard.at(-1);
    assert.deepEqual(lost?.type === 'chat.end' && lost.end, { kind: 'lost' });
  });

  it('tells why there is no answer, in the gateway’s words', async () => {
    const { page, relay } = await pageOn(errorStatus(400, 'temperature must be nice'));
    relay.start('chat00001', BODY);
    const { end, raw } = await page.end();
    assert.ok(end.kind === 'failed' && end.status === 400 && end.code === 'provider_rejected_request');
    assert.match(end.message, /temperature must be nice/);
    assert.match(raw, /provider_rejected_request/);
    relay.start('chat00002', { ...BODY, model: 'nobody/none' });
    const second = await page.until(() =>
      page.heard.find((message): message is End => message.type === 'chat.end' && message.id === 'chat00002'),
    );
    assert.ok(second.end.kind === 'failed' && second.end.code === 'model_not_found');
  });

  /** A relay whose gateway answers with what `stream` writes; its timers are over at once. */
  async function pageOnServer(stream: (response: ServerResponse) => void) {
    const server = createServer((request, response) => {
      if (request.method === 'GET') {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ baseUrl: 'http://127.0.0.1/v1', token: 'freellmapi-x' }));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream(response);
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connection = {
      request: ({ method = 'GET', path, headers, signal }: RequestOptions) =>
        httpRequest({ host: '127.0.0.1', port, method, path, headers, signal }),
    } as unknown as VerifiedConnection;
    const page: Page = new Page(() => relay);
    const relay = new ChatRelay({
      connection: () => connection,
      post: (message) => page.take(message),
      cut: String,
      after: (_ms, run) => {
        const timer = setImmediate(run);
        return () => clearImmediate(timer);
      },
    });
    relays.push(relay);
    return { page, relay, server };
  }

  it('tells long calls seldom while they grow, and whole in the end', async () => {
    const grown = { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: 'x'.repeat(1_000) } }] };
    const { page, relay } = await pageOnServer((response) => {
      let left = 300;
      const write = (): void => {
        left -= 1;
        if (left < 0) response.end(sseText([chunk({}, 'tool_calls'), '[DONE]']));
        else response.write(sseText([chunk(grown)]), () => setImmediate(write));
      };
      write();
    });
    relay.start('chat00001', BODY);
    await page.end();
    const told = page.heard.flatMap((message) =>
      message.type === 'chat.part' && message.calls !== null ? [message.calls[0]?.arguments.length ?? 0] : [],
    );
    assert.equal(told.at(-1), 300_000);
    for (const [at, length] of told.slice(1, -1).entries())
      assert.ok(length < 8_192 || length > (told[at] ?? 0) * 1.25, `${told[at]}, then ${length}`);
  });

  it('says that the connection ended in the middle of an answer', async () => {
    const { page, relay, server } = await pageOnServer((response) => {
      response.write(
        sseText([chunk({ content: 'begun' }), chunk({ tool_calls: [null, 5, { id: {}, function: 'f' }] })]),
      );
    });
    relay.start('chat00001', BODY);
    await page.until(() => page.content === 'begun');
    server.closeAllConnections();
    const { end } = await page.end();
    assert.ok(end.kind === 'failed');
    assert.equal(end.message, 'The connection to the gateway ended in the middle of the answer');
  });

  it('says so when there is no gateway', async () => {
    const page: Page = new Page(() => relay);
    const relay = new ChatRelay({ connection: () => null, post: (message) => page.take(message), cut: String });
    relay.start('chat00001', BODY);
    const { end } = await page.end();
    assert.ok(end.kind === 'failed' && end.status === null);
  });
});
