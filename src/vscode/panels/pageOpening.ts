import type { ApiRequest, TextTransport } from '../../protocol/apiClient.js';
import type { GatewayEvent } from '../../protocol/events.js';

/** More than any page reads before it is shown. */
const MOST_READS = 12;
const LONGEST_PATH = 500;
/** A page whose document takes so long that more than this happens meanwhile reads by itself. */
const MOST_HELD = 2_000;

/**
 * A page from before its document is there until it has the answers to what it asks first. VS Code takes a few hundred
 * milliseconds to make a document: what such a page asked first the last time is read meanwhile. What happens after that is
 * held back until the page has the answers, so that it can never miss a change or take one for older than it is.
 */
export class PageOpening {
  /** The page has asked what it asks first. */
  isReady = false;
  private readonly asked: string[] = [];
  private readonly answered: Promise<unknown>[] = [];
  private early = new Map<string, Promise<string>>();
  private held: GatewayEvent[] = [];
  private isTooMuch = false;
  private isDisposed = false;

  constructor(
    /** Paths that are read ahead. */
    private readonly paths: readonly string[],
    private readonly inner: () => TextTransport | null,
  ) {}

  /** Reads ahead. To be called when events are heard from then on; again when some may have been missed. */
  readAhead(): void {
    this.held = [];
    this.early = new Map();
    const send = this.inner();
    if (send === null || this.isReady) return;
    for (const path of this.paths.slice(0, MOST_READS)) {
      const answer = send({ method: 'GET', path });
      // Who asks for it asks again then.
      answer.catch(() => undefined);
      this.early.set(path, answer);
    }
  }

  /** The way to the gateway: what was read ahead is there already, once. */
  readonly transport = (): TextTransport | null => {
    const send = this.inner();
    if (send === null) return null;
    return (request, signal) => {
      const early = request.method === 'GET' ? this.early.get(request.path) : undefined;
      if (early === undefined) return send(request, signal);
      this.early.delete(request.path);
      return early.catch(() => send(request, signal));
    };
  };

  /** The page asked this; `answered` resolves when it was told the answer. */
  note({ method, path }: ApiRequest, answered: Promise<unknown>): void {
    if (this.isReady) return;
    this.answered.push(answered);
    if (method === 'GET' && path.length <= LONGEST_PATH && this.asked.length < MOST_READS) this.asked.push(path);
  }

  /** False for a page whose document was made when there was no gateway yet: it waits to be told that there is one. */
  get hasAsked(): boolean {
    return this.answered.length > 0;
  }

  hold(events: readonly GatewayEvent[]): void {
    this.held.push(...events);
    if (this.held.length <= MOST_HELD) return;
    this.early = new Map();
    this.held = [];
    // The page's answers may be from before.
    this.isTooMuch ||= this.isReady;
  }

  /**
   * The page has asked what it asks first: that is handed to `remember` for the next time. Resolves with what happened
   * meanwhile once the page has its answers, null where that was too much: it must read anew. Never after `dispose`.
   */
  ready(remember: (paths: readonly string[]) => void): Promise<readonly GatewayEvent[] | null> {
    this.isReady = true;
    this.early = new Map();
    if (this.asked.length > 0) remember(this.asked);
    return new Promise((resolve) => {
      void Promise.allSettled(this.answered).then(() => {
        if (!this.isDisposed) resolve(this.isTooMuch ? null : this.held);
      });
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.early = new Map();
    this.held = [];
  }
}
