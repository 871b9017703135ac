import type { VerifiedConnection } from '../loopback/verifiedConnection.js';
import { WhoisError } from '../loopback/whois.js';
import type { KeyChange, NewKey } from '../protocol/api.js';
import { ApiClient, ApiError, type ApiRequest } from '../protocol/apiClient.js';
import type { GatewayState } from '../protocol/events.js';
import type { KeyCheck, KeyView } from '../protocol/keys.js';
import type { ProviderView } from '../protocol/provider.js';
import type { LeaderConnections } from './leaderConnections.js';

/** Longest wait for an answer; a key check asks a provider and may take its time. */
const TIMEOUT_MS = 45_000;
const LARGEST_ANSWER = 16 * 1024 * 1024;
/** A leader that went has a successor within 2 s. */
const SUCCESSION_MS = 2_500;
const RETRY_MS = 100;

/** The editor side's client of `/api/*` over loopback. */
export class AdminClient extends ApiClient {
  constructor(private readonly connection: VerifiedConnection) {
    super(async (request, signal) => parse(await this.forward(request, signal)));
  }

  state(signal?: AbortSignal): Promise<GatewayState> {
    // The table describes the least of it.
    return this.call('GET /api/state', {}, signal) as Promise<unknown> as Promise<GatewayState>;
  }

  async providers(signal?: AbortSignal): Promise<ProviderView[]> {
    return (await this.call('GET /api/providers', {}, signal)).data;
  }

  async keys(signal?: AbortSignal): Promise<KeyView[]> {
    return (await this.call('GET /api/keys', {}, signal)).data;
  }

  /** What clients need. */
  endpoint(signal?: AbortSignal): Promise<{ baseUrl: string; token: string }> {
    return this.call('GET /api/endpoint', {}, signal);
  }

  addKey(body: NewKey, signal?: AbortSignal): Promise<{ key: KeyView; check: KeyCheck | null }> {
    return this.call('POST /api/keys', { body }, signal);
  }

  /** Asks the provider about a key without storing it. */
  checkKey(body: NewKey, signal?: AbortSignal): Promise<KeyCheck> {
    return this.call('POST /api/keys/check', { body }, signal);
  }

  testKey(id: string, signal?: AbortSignal): Promise<KeyCheck> {
    return this.call('POST /api/keys/{id}/test', { id }, signal);
  }

  changeKey(id: string, body: KeyChange, signal?: AbortSignal): Promise<unknown> {
    return this.call('PATCH /api/keys/{id}', { id, body }, signal);
  }

  removeKey(id: string, signal?: AbortSignal): Promise<unknown> {
    return this.call('DELETE /api/keys/{id}', { id }, signal);
  }

  /** Sends a call as it is and resolves with the answer's text. Rejects with `ApiError`, or with the signal's reason. */
  async forward({ method, path, body }: ApiRequest, signal?: AbortSignal): Promise<string> {
    const { status, text } = await this.reach(method, path, body, signal);
    if (status >= 200 && status < 300) return text;
    const error = errorOf(parse(text));
    throw new ApiError('rejected', error.message ?? `HTTP ${status}`, status, error.code);
  }

  /** Sends, again where nothing can have been done: the leader changed, or a kept connection ended. */
  private async reach(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal | undefined,
  ): Promise<{ status: number; text: string }> {
    const until = Date.now() + SUCCESSION_MS;
    for (;;) {
      try {
        return await this.send(method, path, body, signal);
      } catch (cause) {
        if (signal?.aborted === true) throw signal.reason;
        if (!(cause instanceof Error)) throw cause;
        if (!canRepeat(cause) || Date.now() > until) {
          throw new ApiError('unreachable', cause.message, null, null, { cause });
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private send(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal | undefined,
  ): Promise<{ status: number; text: string }> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const request = this.connection.request({
        method,
        path,
        headers:
          payload === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(payload.length) },
        ...(signal === undefined ? {} : { signal }),
      });
      const fail = (cause: Error): void =>
        // Only reading takes a kept connection.
        reject(request.reusedSocket && isReset(cause) ? new WhoisError('gone', cause.message, { cause }) : cause);
      request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('the gateway did not answer in time')));
      request.on('error', fail);
      request.on('response', (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          parts.push(part);
          size += part.length;
          if (size > LARGEST_ANSWER) request.destroy(new Error('the answer is too large'));
        });
        response.on('error', fail);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
      });
      request.end(payload);
    });
  }
}

/** A client of whoever leads; null where no gateway is known. */
export function clientOf(connections: LeaderConnections): AdminClient | null {
  const connection = connections.current();
  return connection === null ? null : new AdminClient(connection);
}

function canRepeat(error: Error): boolean {
  return error instanceof WhoisError && (error.kind === 'replaced' || error.kind === 'gone');
}

function isReset(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError('rejected', 'the answer is not JSON', null, null, { cause });
  }
}

function errorOf(answer: unknown): { message: string | null; code: string | null } {
  const error = (answer as { error?: { message?: unknown; code?: unknown } } | null | undefined)?.error;
  return {
    message: typeof error?.message === 'string' ? error.message : null,
    code: typeof error?.code === 'string' ? error.code : null,
  };
}
