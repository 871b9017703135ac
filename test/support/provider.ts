import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What a fake provider was sent. */
export interface ProviderRequest {
  /** 1 for the first POST; GET requests (model lists, probes) are counted apart. */
  n: number;
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
  rawBody: string;
  /** The parsed JSON body; undefined if there was none or it was not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies of many shapes.
  body: any;
  /** Resolves when the client's connection of this request has closed. */
  closed: Promise<void>;
}

/** Answers one request. May be asynchronous; what it throws fails the connection. */
export type Handler = (request: ProviderRequest, response: ServerResponse, n: number) => void | Promise<void>;

export interface FakeProvider {
  /** `http://127.0.0.1:<port>`. */
  origin: string;
  /** Origin plus `/v1`: what an OpenAI-compatible provider has as its base URL. */
  baseUrl: string;
  port: number;
  /** POST requests (chats), in order of arrival. */
  requests: ProviderRequest[];
  /** GET requests (model lists, key probes). */
  gets: ProviderRequest[];
  /** Replaces the script; counting of requests goes on. */
  script(script: Handler | readonly Handler[]): void;
  /** Answers GET requests; by default an empty model list. */
  onGet(handler: Handler): void;
  /** The nth POST (1 is the first), as soon as it has come. */
  request(n: number): Promise<ProviderRequest>;
  /** The next POST that nobody has waited for yet. */
  nextRequest(): Promise<ProviderRequest>;
  /** The nth GET, as soon as it has come. */
  get(n: number): Promise<ProviderRequest>;
  /** Resolves when the client's connection of the nth POST has closed. */
  closed(n: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * A fake provider on 127.0.0.1, on a free port.
 * @param script A handler for every POST, or one for each in turn (the last repeats).
 */
export async function startProvider(script: Handler | readonly Handler[] = chatCompletion()): Promise<FakeProvider> {
  let handlers: readonly Handler[] = Array.isArray(script) ? script : [script as Handler];
  let scriptedFrom = 0;
  let getHandler: Handler = json(200, { object: 'list', data: [] });
  const posts = createArrivals();
  const gets = createArrivals();
  let waitedFor = 0;

  // One promise for each connection: it carries many requests, and a listener for each would look like a leak.
  const closings = new WeakMap<Socket, Promise<void>>();
  const closedOf = (socket: Socket): Promise<void> => {
    const known = closings.get(socket);
    if (known) return known;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    closings.set(socket, closed);
    return closed;
  };
  const server = createServer((incoming, response) => {
    const closed = closedOf(incoming.socket);
    response.on('error', () => undefined);
    const parts: Buffer[] = [];
    incoming.on('error', () => undefined);
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const rawBody = Buffer.concat(parts).toString('utf8');
      const list = incoming.method === 'GET' ? gets : posts;
      const request: ProviderRequest = {
        n: list.all.length + 1,
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        rawBody,
        body: parse(rawBody),
        closed,
      };
      const index = Math.min(list.all.length - scriptedFrom, handlers.length - 1);
      const handler = list === gets ? getHandler : handlers[index];
      list.add(request);
      Promise.resolve()
        .then(() => handler?.(request, response, request.n))
        .catch((error: unknown) => response.destroy(error as Error));
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = (server.address() as AddressInfo).port;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    baseUrl: `${origin}/v1`,
    port,
    requests: posts.all,
    gets: gets.all,
    script(next) {
      handlers = Array.isArray(next) ? next : [next as Handler];
      scriptedFrom = posts.all.length;
    },
    onGet(handler) {
      getHandler = handler;
    },
    request: (n) => posts.nth(n),
    nextRequest() {
      waitedFor += 1;
      return posts.nth(waitedFor);
    },
    get: (n) => gets.nth(n),
    closed: async (n) => (await posts.nth(n)).closed,
    async close() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await ended;
    },
  };
}

function createArrivals() {
  const all: ProviderRequest[] = [];
  const waiting: { n: number; resolve: (request: ProviderRequest) => void }[] = [];
  return {
    all,
    add(request: ProviderRequest) {
      all.push(request);
      for (const entry of waiting.filter((one) => one.n === all.length)) entry.resolve(request);
    },
    nth(n: number): Promise<ProviderRequest> {
      const there = all[n - 1];
      return there ? Promise.resolve(there) : new Promise((resolve) => waiting.push({ n, resolve }));
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface ToolCallShape {
  id?: string | undefined;
  name: string;
  /** JSON text. */
  arguments: string;
}

export interface CompletionShape {
  text?: string | null;
  toolCalls?: ToolCallShape[];
  finish?: string | null;
  /** `null` leaves usage out. */
  usage?: Record<string, unknown> | null;
  model?: string;
  reasoning?: string;
}

/** Usage that fake providers report unless told otherwise. */
export const defaultUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/** The body of an OpenAI chat completion. */
export function completionBody(shape: CompletionShape = {}): Record<string, unknown> {
  const calls = shape.toolCalls?.map(({ id, name, arguments: args }) => ({
    ...(id === undefined ? {} : { id }),
    type: 'function',
    function: { name, arguments: args },
  }));
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion',
    created: 1_763_700_000,
    model: shape.model ?? 'fake-model',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: shape.text === undefined ? (calls ? null : 'hello') : shape.text,
          ...(shape.reasoning === undefined ? {} : { reasoning_content: shape.reasoning }),
          ...(calls ? { tool_calls: calls } : {}),
        },
        finish_reason: shape.finish === undefined ? (calls ? 'tool_calls' : 'stop') : shape.finish,
      },
    ],
    ...(shape.usage === null ? {} : { usage: shape.usage ?? defaultUsage }),
  };
}

/**
 * Answers a whole completion; if the request asked for a stream, the same as a well-formed stream.
 * So one handler serves both ways.
 */
export function chatCompletion(shape: CompletionShape = {}): Handler {
  return (request, response, n) => {
    const isStream = (request.body as { stream?: unknown } | undefined)?.stream === true;
    if (isStream) return chatStream(streamOf(shape))(request, response, n);
    return json(200, completionBody(shape))(request, response, n);
  };
}

/** The chunks of a well-formed stream that says `shape`: role, text, calls, finish, usage. */
export function streamOf(shape: CompletionShape = {}): Record<string, unknown>[] {
  const text = shape.text === undefined ? (shape.toolCalls ? null : 'hello') : shape.text;
  const calls = shape.toolCalls ?? [];
  const finish = shape.finish === undefined ? (calls.length > 0 ? 'tool_calls' : 'stop') : shape.finish;
  const make = (delta: Record<string, unknown>, finishReason: string | null = null) =>
    chunk(delta, finishReason, shape.model);
  return [
    make({ role: 'assistant', content: '' }),
    ...(shape.reasoning ? [make({ reasoning_content: shape.reasoning })] : []),
    ...(text ? [make({ content: text })] : []),
    ...calls.map(({ id, name, arguments: args }, index) =>
      make({
        tool_calls: [
          { index, ...(id === undefined ? {} : { id }), type: 'function', function: { name, arguments: args } },
        ],
      }),
    ),
    ...(finish === null ? [] : [make({}, finish)]),
    ...(shape.usage === null ? [] : [usageChunk(shape.usage ?? defaultUsage, shape.model)]),
  ];
}

/** One chunk as OpenAI-compatible providers send it. */
export function chunk(
  delta: Record<string, unknown>,
  finish: string | null = null,
  model = 'fake-model',
): Record<string, unknown> {
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion.chunk',
    created: 1_763_700_000,
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
}

/** A frame with `choices: []` and usage only. */
export function usageChunk(usage: Record<string, unknown> = defaultUsage, model = 'fake-model') {
  return { ...chunk({}, null, model), choices: [], usage };
}

/** Server-sent-event text of these payloads, each `data: …` and a blank line. Strings go out as they are. */
export function sseText(payloads: readonly unknown[]): string {
  return payloads.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('');
}

/** Answers 200 with these chunks as a stream, `[DONE]` at the end. */
export function chatStream(chunks: readonly unknown[]): Handler {
  return sse(sseText([...chunks, '[DONE]']));
}

/** Answers 200 with exactly this event-stream text (or these bytes), then ends cleanly. */
export function sse(raw: string | Buffer): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(raw);
  };
}

/** A step of a paced answer: text to write, a promise to wait for, or something to do with the response. */
export type Step = string | Buffer | Promise<unknown> | ((response: ServerResponse) => void);

/**
 * Answers 200 as an event stream step by step. Headers leave at once. It ends cleanly after the last step, unless a
 * step destroyed the response. Promises are gates that the test opens, so nothing sleeps.
 */
export function paced(steps: readonly Step[]): Handler {
  return async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    for (const step of steps) {
      if (typeof step === 'string' || Buffer.isBuffer(step)) await write(response, step);
      else if (typeof step === 'function') step(response);
      else await step;
      if (response.destroyed) return;
    }
    if (!response.writableEnded) response.end();
  };
}

function write(response: ServerResponse, data: string | Buffer): Promise<void> {
  return new Promise((resolve) => response.write(data, () => resolve()));
}

/** A step that resets the connection (TCP RST). */
export function resetNow(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
  response.destroy();
}

/** Answers JSON. */
export function json(code: number, body: unknown, headers: Record<string, string> = {}): Handler {
  return status(code, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

/** Answers `code`: an object body becomes JSON, a string goes as it is (text/plain unless headers say). */
export function status(code: number, body: unknown = '', headers: Record<string, string> = {}): Handler {
  const isText = typeof body === 'string';
  const text = isText ? body : JSON.stringify(body);
  return (_request, response) => {
    response.writeHead(code, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
    response.end(text);
  };
}

/** An OpenAI-shaped error answer. */
export function errorStatus(code: number, message: string, headers: Record<string, string> = {}): Handler {
  return json(code, { error: { message, type: 'error', code: null } }, headers);
}

/** Resets the connection before anything is answered. */
export function reset(): Handler {
  return (_request, response) => resetNow(response);
}

/** Never answers. */
export function hang(): Handler {
  return () => undefined;
}
