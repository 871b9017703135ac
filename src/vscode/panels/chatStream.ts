import type { ClientRequest, IncomingMessage } from 'node:http';
import type { VerifiedConnection } from '../../loopback/verifiedConnection.js';
import { WhoisError } from '../../loopback/whois.js';
import type { ChatBody, ChatEnd, ChatRoute } from '../../protocol/playground.js';
import { AdminClient } from '../adminClient.js';
import { OWN_CLIENT } from '../setupModel.js';
import { AnswerText, LARGEST_ANSWER, routeOf } from './answerText.js';

/** Keep-alives come every 10 s: who is silent for so long is gone. */
const SILENCE_MS = 120_000;
const LARGEST_ERROR = 1024 * 1024;

export interface ChatStreamPorts {
  /** null where no gateway is known. */
  connection(): VerifiedConnection | null;
  /** ms, of any clock. */
  now(): number;
  /** There is more text, or it is over. */
  changed(): void;
}

/**
 * One streamed answer of the gateway, asked for as any client does: with the unified token, over the verified connection.
 * It is read as fast as it comes; who shows it takes what there is when it can.
 */
export class ChatStream {
  readonly text = new AnswerText();
  end: ChatEnd | null = null;
  firstTokenMs: number | null = null;
  totalMs = 0;
  /** Why it failed, as it came. */
  private failure = '';
  private headers: IncomingMessage['headers'] = {};
  private readonly abort = new AbortController();
  private readonly begunAt: number;

  constructor(
    body: ChatBody,
    private readonly ports: ChatStreamPorts,
  ) {
    this.begunAt = ports.now();
    void this.run(JSON.stringify(body));
  }

  get route(): ChatRoute {
    return routeOf((name) => {
      const header = this.headers[name];
      return typeof header === 'string' ? header : this.text.facts.get(name);
    });
  }

  raw(cut: (characters: number) => string): string {
    const lines = Object.entries(this.headers)
      .filter(([name]) => name.startsWith('x-') || name === 'content-type' || name === 'retry-after')
      .map(([name, value]) => `${name}: ${String(value)}`);
    return [...lines, '', this.failure || this.text.raw(cut)].join('\n');
  }

  stop(): void {
    this.over({ kind: 'stopped' });
  }

  private async run(payload: string): Promise<void> {
    try {
      await this.ask(payload).catch((error: unknown) => {
        // Nothing was sent: another gateway leads now, which the connection has learned.
        if (!(error instanceof WhoisError) || this.end !== null) throw error;
        return this.ask(payload);
      });
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  private async ask(payload: string): Promise<void> {
    const connection = this.ports.connection();
    if (connection === null) throw new Error('There is no gateway');
    const { signal } = this.abort;
    const { token } = await new AdminClient(connection).endpoint(signal);
    const headers = {
      ...{ 'Content-Type': 'application/json', 'User-Agent': OWN_CLIENT, Accept: 'text/event-stream' },
      'Content-Length': String(Buffer.byteLength(payload)),
    };
    const request = connection.request({ method: 'POST', path: '/v1/chat/completions', headers, signal, token });
    request.setTimeout(SILENCE_MS, () => request.destroy(new Error('The gateway fell silent')));
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on('error', reject);
      request.on('response', resolve);
      request.end(payload);
    });
    this.headers = response.headers;
    response.setEncoding('utf8');
    if (response.statusCode === 200) await this.read(request, response);
    else await this.readError(response);
  }

  private async read(request: ClientRequest, response: IncomingMessage): Promise<void> {
    this.ports.changed();
    for await (const part of untilLost(response)) {
      if (this.end !== null) return;
      this.text.feed(part);
      if (this.firstTokenMs === null && this.text.hasBegun) this.firstTokenMs = this.passed();
      if (this.text.length > LARGEST_ANSWER) {
        request.destroy();
        throw new Error('The answer is too large');
      }
      this.ports.changed();
    }
    const { error, isDone, finish } = this.text;
    if (error !== null) this.fail(error.message, response.statusCode, error.code);
    else if (isDone) this.over({ kind: 'done', finish });
    else this.fail('The connection to the gateway ended in the middle of the answer');
  }

  private async readError(response: IncomingMessage): Promise<void> {
    let body = '';
    for await (const part of response as AsyncIterable<string>) {
      body += part;
      if (body.length > LARGEST_ERROR) break;
    }
    this.failure = body;
    const { message, code } = errorIn(body);
    const status = response.statusCode ?? 0;
    this.fail(message ?? `HTTP ${status}`, status, code, response.headers['retry-after']);
  }

  private fail(message: string, status: number | null = null, code: string | null = null, retryAfter?: string): void {
    const seconds = retryAfter === undefined ? Number.NaN : Number(retryAfter);
    const retryAfterSeconds = Number.isFinite(seconds) ? seconds : null;
    this.over({ kind: 'failed', message, status, code, retryAfterSeconds });
  }

  private over(end: ChatEnd): void {
    if (this.end !== null) return;
    this.end = end;
    this.totalMs = this.passed();
    this.abort.abort();
    this.ports.changed();
  }

  private passed(): number {
    return Math.round(this.ports.now() - this.begunAt);
  }
}

/** Ends where the connection does, in the middle or not: the answer itself says whether it is whole. */
async function* untilLost(response: IncomingMessage): AsyncIterable<string> {
  try {
    yield* response as AsyncIterable<string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}

function errorIn(body: string): { message: string | null; code: string | null } {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown; code?: unknown } };
    return {
      message: typeof error?.message === 'string' ? error.message : null,
      code: typeof error?.code === 'string' ? error.code : null,
    };
  } catch {
    return { message: null, code: null };
  }
}
