/** The internet as a throwaway VS Code sees it: a proxy that answers for every provider itself. Nothing leaves the machine. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { modelLists } from './names.js';

const CHUNK_EVERY_MS = 20;
const WORDS = 'The quick brown fox jumps over the lazy dog and then it goes on to the next field of the farm'.split(
  ' ',
);

export interface Internet {
  /** For `http.proxy`. */
  url: string;
  /** Secrets that their providers refuse. */
  readonly refused: Set<string>;
  /** Secrets whose chats are answered with a 429: the provider's words, and after how many seconds it may be asked again. */
  readonly limited: Map<string, { words: string; seconds: number }>;
  /** Chunks of a streamed answer, one every 20 ms. */
  chunks: number;
  /** What is streamed in their place, a word a chunk; null: words without a meaning. */
  answer: string | null;
  close(): Promise<void>;
}

export async function startInternet(): Promise<Internet> {
  const sockets = new Set<Socket>();
  const internet = { refused: new Set<string>(), limited: new Map<string, never>(), chunks: 200, answer: null };
  const secure = https.createServer(certificate(), (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => answer(internet, request, Buffer.concat(parts).toString('utf8'), response));
  });
  const proxy = http.createServer();
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  proxy.on('connect', (_request, socket: Socket) => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    secure.emit('connection', socket);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return Object.assign(internet, {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async close() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  });
}

function answer(
  { refused, limited, chunks, answer: said }: Pick<Internet, 'refused' | 'limited' | 'chunks' | 'answer'>,
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
): void {
  const { authorization, 'x-goog-api-key': googleKey } = request.headers;
  const secret = String(googleKey ?? authorization ?? '').replace(/^Bearer /, '');
  const words = said?.match(/\s*\S+/g) ?? Array.from({ length: chunks }, (_, at) => `${WORDS[at % WORDS.length]} `);
  const busy = limited.get(secret);
  response.on('error', () => undefined);
  if (refused.has(secret))
    send(response, 401, { error: { message: 'Authentication error: the API key is not valid' } });
  else if (request.method === 'GET') send(response, 200, modelList(request));
  else if (busy !== undefined) {
    send(response, 429, { error: { message: busy.words } }, { 'retry-after': String(busy.seconds) });
  } else if (request.url?.includes(':streamGenerateContent')) stream(response, words, geminiFrame);
  else if (/"stream":\s*true/.test(body)) stream(response, words, openAiFrame);
  else send(response, 200, completion);
}

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Something.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 },
};

function modelList({ headers }: IncomingMessage): unknown {
  const ids = modelLists[headers.host ?? ''] ?? ['a-model'];
  return { object: 'list', data: ids.map((id) => ({ id })), models: ids.map((id) => ({ name: `models/${id}` })) };
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A piece of an answer in a provider's wire format; null: it ends, after so many. */
type FrameOf = (text: string | null, sent: number) => unknown;

function openAiFrame(text: string | null, sent: number): unknown {
  const choice =
    text === null ? { delta: {}, finish_reason: 'stop' } : { delta: { content: text }, finish_reason: null };
  const usage = { prompt_tokens: 1200, completion_tokens: sent, total_tokens: 1200 + sent };
  const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }] };
  return text === null ? { ...base, usage } : base;
}

function geminiFrame(text: string | null, sent: number): unknown {
  const content = { role: 'model', parts: [{ text: text ?? '' }] };
  if (text !== null) return { candidates: [{ index: 0, content }] };
  const usageMetadata = { promptTokenCount: 1200, candidatesTokenCount: sent, totalTokenCount: 1200 + sent };
  return { candidates: [{ index: 0, content, finishReason: 'STOP' }], usageMetadata };
}

/** Words at the pace of a fast provider. */
function stream(response: ServerResponse, words: readonly string[], frame: FrameOf): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const timer = setInterval(() => {
    const text = words[sent] ?? null;
    const isLast = text === null;
    response.write(`data: ${JSON.stringify(frame(text, sent))}\n\n`);
    if (!isLast) {
      sent += 1;
      return;
    }
    clearInterval(timer);
    response.end(frame === openAiFrame ? 'data: [DONE]\n\n' : '');
  }, CHUNK_EVERY_MS);
  response.once('close', () => clearInterval(timer));
}

function certificate(): { key: string; cert: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-tls-'));
  try {
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const files = ['-keyout', key, '-out', cert, '-days', '2', '-nodes', '-subj', '/CN=providers.test'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
