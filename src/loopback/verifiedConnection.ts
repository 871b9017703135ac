import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { credentialOf } from './proof.js';
import { askWhois, WhoisError } from './whois.js';

/** Where the leading gateway is and what proves it. Never logged. */
export interface LeaderEndpoint {
  /** `http://127.0.0.1:3001`, without a path. */
  url: string;
  /** The instance that leads, as far as known. */
  instance: string;
  /** The gateway's own secret. */
  secret: string;
}

export interface LeaderRequest {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** The unified token, for what is not of the admin API. */
  token?: string;
}

const WHOIS_TIMEOUT_MS = 5_000;

/**
 * Calls of the admin API of whoever leads. Every new connection first proves itself by `/api/whois`, so that a stranger
 * who took the port receives neither token nor credential. Where another instance of ours leads meanwhile, the request
 * fails with a WhoisError `replaced`, nothing sent; the next one is meant for it.
 */
export class VerifiedConnection {
  private instance: string;
  private readonly reading: ProvingAgent;
  /** A change never goes over a kept connection: if that ends just then, nobody could say whether it was made. */
  private readonly writing: ProvingAgent;
  private readonly host: string;
  private readonly port: number;

  constructor(private readonly endpoint: LeaderEndpoint) {
    const url = new URL(endpoint.url);
    this.host = connectHost(url.hostname);
    this.port = Number(url.port || 80);
    this.instance = endpoint.instance;
    const meet = (instance: string) => this.meet(instance);
    this.reading = new ProvingAgent(endpoint.secret, true, meet);
    this.writing = new ProvingAgent(endpoint.secret, false, meet);
  }

  /** Begins a request, to be ended by the caller; its `error` may be a WhoisError. Reading may meet a connection that ended. */
  request({ method = 'GET', path, headers = {}, signal, token }: LeaderRequest): http.ClientRequest {
    const { host, port, instance } = this;
    const agent = method === 'GET' ? this.reading : this.writing;
    const Authorization = `Bearer ${token ?? credentialOf(this.endpoint.secret, instance)}`;
    const options: ProvingOptions = {
      ...{ host, port, method, path, agent, meant: instance },
      headers: { ...headers, Authorization, Host: `${host.includes(':') ? `[${host}]` : host}:${port}` },
      ...(signal ? { signal } : {}),
    };
    // Not http.request: VS Code replaces it with one that may bring an agent of its own, for a proxy.
    return new http.ClientRequest(options as unknown as string);
  }

  /** Ends every connection. */
  dispose(): void {
    this.reading.destroy();
    this.writing.destroy();
  }

  private meet(instance: string): void {
    if (instance === this.instance) return;
    this.instance = instance;
    // They lead to the one before.
    for (const socket of Object.values(this.reading.freeSockets).flat()) socket?.destroy();
  }
}

interface ProvingOptions extends http.RequestOptions {
  /** The instance whose credential the request carries. */
  meant: string;
}

type Connected = (error: Error | null, socket?: Duplex) => void;

/** Hands out only sockets whose other end has proved to be the instance that the request is meant for. */
class ProvingAgent extends http.Agent {
  constructor(
    private readonly secret: string,
    keepAlive: boolean,
    private readonly meet: (instance: string) => void,
  ) {
    super({ keepAlive, maxFreeSockets: 2 });
  }

  override createConnection(options: http.ClientRequestArgs, connected: Connected): undefined {
    const { host, port, meant } = options as unknown as { host: string; port: number; meant: string };
    const socket = net.connect({ host, port, noDelay: true });
    askWhois(socket, { secret: this.secret, timeoutMs: WHOIS_TIMEOUT_MS }).then(
      ({ instance }) => {
        this.meet(instance);
        if (instance === meant) return connected(null, socket);
        socket.destroy();
        connected(new WhoisError('replaced', 'Another gateway leads now'));
      },
      (error: Error) => connected(error),
    );
  }
}

/** The address at which a gateway bound to `host` is reached from its own machine. */
export function connectHost(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '');
  if (bare === '0.0.0.0') return '127.0.0.1';
  return bare === '::' ? '::1' : bare;
}
