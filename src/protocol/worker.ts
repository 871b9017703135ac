/**
 * Both directions of the message channel between the editor side and the gateway's worker thread.
 * Everything else goes over the admin API on loopback.
 */

/** A key as SecretStorage holds it; the only place where a secret crosses threads. */
export interface StoredKey {
  id: string;
  provider: string;
  label: string;
  enabled: boolean;
  secret: string | null;
  models?: string[] | null;
  limits?: Record<string, number>;
  /** Of a `custom:*` provider: where it is. */
  baseUrl?: string;
}

export interface ProxySettings {
  /** One URL (http, https, socks5); null for none. */
  url: string | null;
  /** Hosts that are reached directly: `localhost`, `*.corp`, `10.0.0.0/8`. */
  bypass: string[];
  /** `http.proxyStrictSSL`. */
  strictTls: boolean;
  /** Extra PEM certificates (system and configured). */
  certificates: string[];
  /** `Proxy-Authorization`, where the editor has one. */
  authorization: string | null;
}

/** `workerData` of the thread. */
export interface WorkerStart {
  host: string;
  port: number;
  /** The extension's global storage folder. */
  dataDir: string;
  token: string;
  adminToken: string;
  keys: StoredKey[];
  proxy: ProxySettings;
  /** Puts the demo provider into the chain. */
  demo: boolean;
  settings: Record<string, unknown>;
  version: string;
  logLevel: string;
}

export type ToGateway =
  | { type: 'close' }
  | { type: 'proxy'; proxy: ProxySettings }
  | { type: 'settings'; settings: Record<string, unknown> }
  /** The secret store took (or failed to take) what `keys.changed` asked it to keep. */
  | { type: 'keys.saved'; sequence: number; error: string | null };

export type FromGateway =
  | { type: 'listening'; url: string; port: number }
  /** Could not start. `port-taken`: someone else listens there. */
  | { type: 'failed'; reason: 'port-taken' | 'error'; message: string }
  /** Keys changed through the admin API: the editor side stores them, then answers `keys.saved`. */
  | { type: 'keys.changed'; sequence: number; keys: StoredKey[] }
  | {
      type: 'log';
      level: 'debug' | 'info' | 'warn' | 'error';
      component: string;
      message: string;
      fields?: Record<string, unknown>;
    }
  | { type: 'closed' };
