import { ApiError, type ApiTransport } from '../../src/protocol/apiClient.js';
import type { FromPage, ToPage } from '../../src/protocol/pages.js';

interface Waiting {
  resolve(body: unknown): void;
  reject(error: unknown): void;
}

/** The admin API as a page reaches it: every call is a message to the editor side, every answer one back. */
export class PageTransport {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  constructor(private readonly post: (message: FromPage) => void) {}

  readonly send: ApiTransport = (request, signal) => this.ask((id) => ({ type: 'call', id, ...request }), signal);

  /** Posts what is answered by an `answer` of the same id. Resolves and rejects as a call of the API does. */
  ask(make: (id: number) => FromPage, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.waiting.delete(id);
        this.post({ type: 'cancel', id });
        reject(signal?.reason);
      };
      const settle = (): void => signal?.removeEventListener('abort', stop);
      this.waiting.set(id, {
        resolve: (body) => {
          settle();
          resolve(body);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      signal?.addEventListener('abort', stop, { once: true });
      this.post(make(id));
    });
  }

  /** An answer that came; one that nobody waits for is dropped. */
  receive(answer: Extract<ToPage, { type: 'answer' }>): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (waiting === undefined) return;
    if (!answer.ok) {
      const { kind, message, status, code } = answer.error;
      waiting.reject(new ApiError(kind, message, status, code));
      return;
    }
    let body: unknown;
    try {
      body = answer.json === '' ? undefined : JSON.parse(answer.json);
    } catch (cause) {
      waiting.reject(new ApiError('rejected', 'the answer is not JSON', null, null, { cause }));
      return;
    }
    waiting.resolve(body);
  }
}
