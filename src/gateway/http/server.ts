import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { answerClientError } from './clientError.js';

/** Clients keep connections for a while; Node's own 5 s would meet their next request half closed. */
const KEEP_ALIVE_MS = 75_000;
/** How long the errors have that end what a closing gateway cannot wait for. */
const LAST_WORDS_MS = 100;
/** What needs nothing that is still being loaded. */
const EARLY_PATHS = ['/api/whois', '/livez'];

/**
 * The port and who is let in. From the moment it is bound it answers; what needs the ledger waits until `open`, so that
 * a client of a gateway that just died and was replaced sees nothing but a pause.
 */
export class HttpServer {
  private readonly server: Server;
  private waiting: [IncomingMessage, ServerResponse][] | null = [];

  constructor(private readonly listener: RequestListener) {
    this.server = createServer((incoming, outgoing) => this.receive(incoming, outgoing));
    this.server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.server.on('clientError', (error, socket) => answerClientError(error, socket as Socket));
  }

  /** Binds; returns the port. @throws the system's error (`EADDRINUSE`, …). */
  bind(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.removeListener('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Everything is loaded: who waited is served, in order. */
  open(): void {
    const waiting = this.waiting ?? [];
    this.waiting = null;
    for (const [incoming, outgoing] of waiting) if (!outgoing.destroyed) this.listener(incoming, outgoing);
  }

  /**
   * Stops accepting at once, lets answers finish for so many ms, then has `interrupt` end what is left with an error and
   * cuts whoever has not read it soon after.
   */
  async close(graceMs: number, interrupt: () => void = () => {}): Promise<void> {
    for (const [, outgoing] of this.waiting ?? []) outgoing.destroy();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    let timer = setTimeout(() => {
      interrupt();
      timer = setTimeout(() => this.server.closeAllConnections(), LAST_WORDS_MS);
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  private receive(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { waiting } = this;
    const isEarly = waiting === null || EARLY_PATHS.some((path) => incoming.url?.startsWith(path));
    if (isEarly) this.listener(incoming, outgoing);
    else waiting.push([incoming, outgoing]);
  }
}
