import type { VerifiedConnection } from '../loopback/verifiedConnection.js';
import { WhoisError } from '../loopback/whois.js';
import type { GatewayState } from '../protocol/events.js';
import type { KeyCheck, KeyView } from '../protocol/keys.js';
import type { ProviderView } from '../protocol/provider.js';

/** Why a call of the admin API failed. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  constructor(
    /** `unreachable`: no answer; `rejected`: the gateway said no, with its status and code. */
    readonly kind: 'unreachable' | 'rejected',
    message: string,
    readonly status: number | null = null,
    readonly code: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A key to add, or only to check. `provider` is a provider's id or `custom:NAME`. */
export interface NewKey {
  provider: string;
  key?: string;
  label?: string;
  /** Of a custom endpoint. */
  baseUrl?: string;
  models?: string[];
  /** An invalid key is then refused with 422 `key_invalid` and not stored. */
  check?: boolean;
}

export interface KeyChange {
  label?: string;
  enabled?: boolean;
  key?: string;
  models?: string[] | null;
  limits?: Record<string, number>;
}

/** Longest wait for an answer; a key check asks a provider and may take its time. */
const TIMEOUT_MS = 45_000;
const LARGEST_ANSWER = 16 * 1024 * 1024;
/** A leader that went has a successor within 2 s. */
const SUCCESSION_MS = 2_500;
const RETRY_MS = 100;

/**
 * The editor side's client of `/api/*` over loopback. Every method rejects with `AdminError`, or with the
 * signal's reason when it was aborted.
 */
export class AdminClient {
  constructor(private readonly connection: VerifiedConnection) {}

  state(signal?: AbortSignal): Promise<GatewayState> {
    return this.call<GatewayState>('GET', '/api/state', undefined, signal);
  }

  async providers(signal?: AbortSignal): Promise<ProviderView[]> {
    return (await this.call<{ data: ProviderView[] }>('GET', '/api/providers', undefined, signal)).data;
  }

  async keys(signal?: AbortSignal): Promise<KeyView[]> {
    return (await this.call<{ data: KeyView[] }>('GET', '/api/keys', undefined, signal)).data;
  }

  /** What clients need. */
  endpoint(signal?: AbortSignal): Promise<{ baseUrl: string; token: string }> {
    return this.call('GET', '/api/endpoint', undefined, signal);
  }

  addKey(key: NewKey, signal?: AbortSignal): Promise<{ key: KeyView; check: KeyCheck | null }> {
    return this.call('POST', '/api/keys', key, signal);
  }

  /** Asks the provider about a key without storing it. */
  checkKey(key: NewKey, signal?: AbortSignal): Promise<KeyCheck> {
    return this.call('POST', '/api/keys/check', key, signal);
  }

  testKey(id: string, signal?: AbortSignal): Promise<KeyCheck> {
    return this.call('POST', `/api/keys/${encodeURIComponent(id)}/test`, undefined, signal);
  }

  changeKey(id: string, change: KeyChange, signal?: AbortSignal): Promise<unknown> {
    return this.call('PATCH', `/api/keys/${encodeURIComponent(id)}`, change, signal);
  }

  removeKey(id: string, signal?: AbortSignal): Promise<unknown> {
    return this.call('DELETE', `/api/keys/${encodeURIComponent(id)}`, undefined, signal);
  }

  private async call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const { status, text } = await this.reach(method, path, body, signal);
    const answer = parse(text);
    if (status >= 200 && status < 300) return answer as T;
    const error = errorOf(answer);
    throw new AdminError('rejected', error.message ?? `HTTP ${status}`, status, error.code);
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
          throw new AdminError('unreachable', cause.message, null, null, { cause });
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
    throw new AdminError('rejected', 'the answer is not JSON', null, null, { cause });
  }
}

function errorOf(answer: unknown): { message: string | null; code: string | null } {
  const error = (answer as { error?: { message?: unknown; code?: unknown } } | null | undefined)?.error;
  return {
    message: typeof error?.message === 'string' ? error.message : null,
    code: typeof error?.code === 'string' ? error.code : null,
  };
}
