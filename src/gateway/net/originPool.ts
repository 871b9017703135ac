import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { Connector } from './connector.js';
import type { Exchange } from './exchange.js';
import { Client, Pool } from './undiciParts.js';

// undici's own time-outs are off: they cost CPU, are coarse, and ours know the attempt (shared/bench.md, "What it teaches").
const CLIENT_OPTIONS = {
  pipelining: 1,
  headersTimeout: 0,
  bodyTimeout: 0,
  // Between two turns of an agent; a server that keeps its idle connections shorter says so or is met by the retry.
  keepAliveTimeout: 30_000,
  keepAliveMaxTimeout: 120_000,
};

/** The kept-alive connections to one origin by one route. */
export interface OriginPool {
  /** `isFresh`: on a connection of its own, closed afterwards. */
  dispatch(options: Dispatcher.DispatchOptions, exchange: Exchange, isFresh: boolean): void;
  /** Lets running exchanges end. */
  close(): Promise<void>;
  /** Ends running exchanges too. */
  destroy(): Promise<void>;
}

export function createOriginPool(origin: string, connector: Connector): OriginPool {
  let dispatching: Exchange | null = null;
  const fresh = new Set<Client>();

  /**
   * A client has one connection and one request at a time, so the request it last took is the one it connects for:
   * at once, or a turn later when undici finds the kept-alive connection dead before it writes.
   */
  function createClient(): Client {
    let exchange: Exchange | null = null;
    const client = new Client(origin, {
      ...CLIENT_OPTIONS,
      connect(_: unknown, callback: (...result: [null, Socket] | [Error, null]) => void): void {
        const owner = exchange;
        const cancel = connector((...result) => {
          owner?.connected();
          callback(...result);
        });
        owner?.connecting(cancel);
      },
    });
    const dispatch = client.dispatch.bind(client);
    client.dispatch = (options, handler) => {
      exchange = dispatching;
      return dispatch(options, handler);
    };
    return client;
  }

  const pool = new Pool(origin, { connections: null, factory: createClient });

  return {
    dispatch(options, exchange, isFresh) {
      dispatching = exchange;
      try {
        if (!isFresh) {
          pool.dispatch(options, exchange);
          return;
        }
        const client = createClient();
        fresh.add(client);
        client.dispatch(options, exchange);
        const forget = (): void => void fresh.delete(client);
        client.close().then(forget, forget);
      } finally {
        dispatching = null;
      }
    },
    async close() {
      await Promise.allSettled([pool.close()]);
    },
    async destroy() {
      await Promise.allSettled([pool.destroy(), ...[...fresh].map((client) => client.destroy())]);
    },
  };
}
