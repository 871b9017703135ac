import type { LookupFunction } from 'node:net';
import type * as tls from 'node:tls';
import type { Dispatcher } from 'undici';
import type { ProxySettings } from '../../protocol/worker.js';
import type { Clock } from '../ports.js';
import type { UpstreamRequest } from '../providers/adapter.js';
import { createAddressGuard } from './addressGuard.js';
import { createConnector } from './connector.js';
import { Exchange } from './exchange.js';
import { createOriginPool, type OriginPool } from './originPool.js';
import { isBypassed, noProxy, type ProxyEndpoint, parseProxy } from './proxy.js';
import { createSecureContext } from './secureContext.js';
import { toUpstreamError } from './transportErrors.js';
import { type UpstreamClient, UpstreamError, type UpstreamHandler, type UpstreamTimeouts } from './upstream.js';

export interface UpstreamClientOptions {
  proxy?: ProxySettings;
  /** The time-outs' clock; real timers by default. */
  clock?: Clock;
  /** Stands in for `dns.lookup`; what it gives is still checked against link-local and metadata addresses. */
  lookup?: LookupFunction;
  /** Which hosts never go through the proxy, whatever the settings; `localhost`, 127.0.0.0/8 and ::1 by default. */
  isLoopback?(hostname: string): boolean;
}

const MAX_ENDPOINTS = 256;
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/** Set by undici from the body and the connection; a caller's copy would contradict it. */
const OWN_HEADERS = new Set(['content-length', 'connection', 'keep-alive', 'transfer-encoding', 'proxy-authorization']);

const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** How requests leave under one set of proxy settings; a new set makes a new one. */
interface Routes {
  settings: ProxySettings;
  endpoint: ProxyEndpoint | null;
  /** Why the settings cannot be used; requests that would go through the proxy fail with it. */
  problem: UpstreamError | null;
  /** Made at the first TLS connection: reading some 150 certificates would keep a gateway from starting for that long. */
  secureContext(): tls.SecureContext;
  pools: Map<string, OriginPool>;
  /** By URL: they are few and asked again and again. */
  endpoints: Map<string, Endpoint>;
}

/** What a URL means for a request. */
interface Endpoint {
  origin: string;
  path: string;
  pool: OriginPool;
}

function createRoutes(settings: ProxySettings): Routes {
  let endpoint: ProxyEndpoint | null = null;
  let problem: UpstreamError | null = null;
  try {
    endpoint = parseProxy(settings);
  } catch (error) {
    problem = toUpstreamError(error, 'proxy');
  }
  let made: tls.SecureContext | null = null;
  const secureContext = (): tls.SecureContext => {
    made ??= createSecureContext(settings.certificates);
    return made;
  };
  return { settings, endpoint, problem, secureContext, pools: new Map(), endpoints: new Map() };
}

function outgoingHeaders(headers: Record<string, string>): string[] {
  // Compressed answers would cost CPU for every chunk and delay the first one.
  const list = ['accept-encoding', 'identity'];
  for (const name in headers) {
    const lower = name.toLowerCase();
    if (lower !== 'accept-encoding' && !OWN_HEADERS.has(lower)) list.push(lower, headers[name]!);
  }
  return list;
}

/**
 * Outbound HTTP on undici's `Pool.dispatch`: one pool per origin, kept-alive connections, one request at a time on each.
 * Link-local and metadata addresses are refused after resolving; loopback and LAN are not. A request that met a
 * connection which the server had just closed is sent once more on a new one.
 */
export function createUpstreamClient(
  options: UpstreamClientOptions = {},
): UpstreamClient & { setProxy(proxy: ProxySettings): void } {
  const clock = options.clock ?? systemClock;
  const guard = createAddressGuard(options.lookup);
  let routes = createRoutes(options.proxy ?? noProxy);
  const retired = new Set<OriginPool>();
  let isClosed = false;

  /** @throws TypeError where it is no URL, UpstreamError where it may not be called. */
  function endpointOf(text: string): Endpoint {
    const { endpoints } = routes;
    const known = endpoints.get(text);
    if (known) return known;
    const url = new URL(text);
    const endpoint = { origin: url.origin, path: url.pathname + url.search, pool: poolFor(url) };
    if (endpoints.size >= MAX_ENDPOINTS) endpoints.clear();
    endpoints.set(text, endpoint);
    return endpoint;
  }

  function poolFor(url: URL): OriginPool {
    const known = routes.pools.get(url.origin);
    if (known) return known;
    if (isClosed) throw new UpstreamError('aborted', 'The client is closed');
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new UpstreamError('other', 'Only http and https are called');
    }
    const isDirect = isBypassed(url, routes.settings.bypass, options.isLoopback);
    if (!isDirect && routes.problem) throw routes.problem;
    const connector = createConnector({
      origin: new URL(url.origin),
      proxy: isDirect ? null : routes.endpoint,
      isStrictTls: routes.settings.strictTls,
      secureContext: routes.secureContext,
      guard,
    });
    const pool = createOriginPool(url.origin, connector);
    routes.pools.set(url.origin, pool);
    return pool;
  }

  function send(request: UpstreamRequest, timeouts: UpstreamTimeouts, handler: UpstreamHandler): { abort(): void } {
    let endpoint: Endpoint;
    try {
      endpoint = endpointOf(request.url);
    } catch (error) {
      return failLater(error, handler);
    }
    const { origin, path, pool } = endpoint;
    const dispatch: Dispatcher.DispatchOptions = {
      path,
      method: request.method,
      headers: outgoingHeaders(request.headers),
      body: request.body,
    };
    const exchange = new Exchange({
      origin,
      timeouts,
      clock,
      handler,
      resend: (again) => pool.dispatch(dispatch, again, true),
    });
    pool.dispatch(dispatch, exchange, false);
    exchange.sent();
    return exchange;
  }

  function fetchText(request: UpstreamRequest, timeoutMs: number, signal?: AbortSignal) {
    return new Promise<{ status: number; headers: Record<string, string>; body: string }>((resolve, reject) => {
      let status = 0;
      let headers: Record<string, string> = {};
      const chunks: Buffer[] = [];
      let size = 0;
      let reason: UpstreamError | null = null;
      const settle = (): void => {
        stopTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      const stop = (why: UpstreamError | null): void => {
        reason = why;
        exchange.abort();
      };
      const onAbort = (): void => stop(null);
      const stopTimer = clock.after(timeoutMs, () => {
        stop(new UpstreamError('headers-timeout', `No whole answer within ${timeoutMs} ms`));
      });
      // The whole has one time-out.
      const exchange = send(
        request,
        { connectMs: timeoutMs, headersMs: null },
        {
          onHeaders(code, fields) {
            status = code;
            headers = fields;
          },
          onData(chunk) {
            size += chunk.length;
            if (size > MAX_TEXT_BYTES) stop(new UpstreamError('other', `The answer is over ${MAX_TEXT_BYTES} bytes`));
            else chunks.push(chunk);
          },
          onEnd() {
            settle();
            resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
          },
          onError(error) {
            settle();
            reject(reason ?? error);
          },
        },
      );
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
    });
  }

  return {
    send,
    fetchText,
    setProxy(proxy) {
      for (const pool of routes.pools.values()) {
        retired.add(pool);
        pool.close().then(() => retired.delete(pool));
      }
      routes = createRoutes(proxy);
    },
    async close() {
      isClosed = true;
      await Promise.all([...routes.pools.values(), ...retired].map((pool) => pool.destroy()));
      routes.pools.clear();
      routes.endpoints.clear();
    },
  };
}

/** `send` has not returned yet, so its caller could not have kept the handle: errors come after it. */
function failLater(error: unknown, handler: UpstreamHandler): { abort(): void } {
  queueMicrotask(() => handler.onError(toUpstreamError(error, 'request')));
  return { abort() {} };
}
