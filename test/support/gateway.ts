import path from 'node:path';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { createGateway } from '../../src/gateway/gateway.js';
import type { Clock, LogLevel } from '../../src/gateway/ports.js';
import type { StoredKey } from '../../src/protocol/worker.js';
import { type ClientRequest, type ClientResponse, send } from './client.js';

export interface TestGatewayOptions {
  config?: ConfigFile;
  /** The real clock if left out. */
  clock?: Clock;
  demo?: boolean;
  keys?: StoredKey[];
  host?: string;
  /** Where its ledger lives; none if left out. */
  dataDir?: string;
  /** Where its keys go; into memory if left out. */
  saveKeys?(keys: StoredKey[]): Promise<void>;
  /** Where another token goes; without it the token cannot be replaced. */
  saveToken?(token: string): Promise<void>;
}

export interface LogLine {
  level: LogLevel;
  component: string;
  message: string;
  fields?: Record<string, unknown>;
}

/** The real gateway on a free port, with what tests ask of it. */
export interface TestGateway {
  /** `http://127.0.0.1:<port>`. */
  url: string;
  port: number;
  token: string;
  adminToken: string;
  /** POST /v1/chat/completions with the token; `model` defaults to `auto` and a user message is supplied. */
  chat(body?: Record<string, unknown>, init?: ClientRequest): Promise<ClientResponse>;
  /** Any request, nothing added. */
  raw(path: string, init?: ClientRequest): Promise<ClientResponse>;
  /** A request with the unified token. */
  v1(path: string, init?: ClientRequest): Promise<ClientResponse>;
  /** A request to the admin API with the admin token. `path` starts with `/api`. */
  api(method: string, path: string, body?: unknown): Promise<ClientResponse>;
  logs: LogLine[];
  close(): Promise<void>;
  /** Stops accepting, and ends what still runs after so many ms. */
  closeIn(graceMs: number): Promise<void>;
  replaceKeys(keys: StoredKey[]): void;
}

export const testToken = 'freellmapi-0123456789abcdef0123456789abcdef';
/** The gateway's own secret, and its instance. */
export const testSecret = 'secret-00112233445566778899aabbccddeeff';
export const testInstance = 'abcdef0123456789abcdef0123456789';
export const testAdminToken = 'admin-fedcba9876543210fedcba9876543210';

/** sql.js's wasm, for gateways with a ledger. */
export const sqlWasm = path.resolve(import.meta.dirname, '../../node_modules/sql.js/dist/sql-wasm.wasm');

/** The real clock: timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Starts the gateway as `serve` would, on 127.0.0.1 and a free port. */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const logs: LogLine[] = [];
  const gateway = createGateway(
    {
      clock: options.clock ?? systemClock,
      log: {
        log: (level, component, message, fields) =>
          void logs.push({ level, component, message, ...(fields ? { fields } : {}) }),
      },
    },
    {
      host: options.host ?? '127.0.0.1',
      port: 0,
      version: '0.0.0-test',
      token: testToken,
      adminToken: testAdminToken,
      secret: testSecret,
      instance: testInstance,
      ...(options.config ? { config: options.config } : {}),
      ...(options.keys ? { keys: options.keys } : {}),
      ...(options.demo === undefined ? {} : { demo: options.demo }),
      ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir, wasmFile: sqlWasm }),
      ...(options.saveKeys ? { saveKeys: options.saveKeys } : {}),
      ...(options.saveToken ? { saveToken: options.saveToken } : {}),
    },
  );
  const { port, token, adminToken } = await gateway.listen();
  const url = `http://127.0.0.1:${port}`;
  const raw = (path: string, init: ClientRequest = {}) => send(url + path, init);
  const withToken = (path: string, bearer: string, init: ClientRequest = {}) =>
    raw(path, { ...init, headers: { authorization: `Bearer ${bearer}`, ...init.headers } });
  return {
    url,
    port,
    token,
    adminToken,
    raw,
    v1: (path, init) => withToken(path, token, init),
    chat: (body = {}, init = {}) =>
      withToken('/v1/chat/completions', token, {
        ...init,
        body: { model: 'auto', messages: [{ role: 'user', content: 'hi' }], ...body },
      }),
    api: (method, path, body) => withToken(path, adminToken, { method, ...(body === undefined ? {} : { body }) }),
    logs,
    close: () => gateway.close(0),
    closeIn: (graceMs) => gateway.close(graceMs),
    replaceKeys: (keys) => gateway.replaceKeys(keys),
  };
}
