import type { ApiSettings } from './settings.js';

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
  /** The tokens as the editor has kept them, for a data folder that has none yet. */
  seed: { token?: string; adminToken?: string };
  /** Stands for the unified token, in development only. */
  developmentToken: string | null;
  proxy: ProxySettings;
  /** What the user set in the editor; what is not there was set elsewhere, or nowhere. */
  settings: ApiSettings;
  version: string;
  logLevel: string;
}

/** Something about the data folder that the user should know of. */
export interface GatewayNotice {
  /**
   * `damaged`: a file of the ledger was set aside (`file` names it); `lost`: part of what it held is nowhere;
   * `not-saving`: the disk refuses writes; `saving-again`: it takes them again; `unusable`: the folder could not be opened,
   * the gateway runs from memory and tries again; `stopped`: nothing more is saved before a restart; `new-token`: the file
   * with the tokens was damaged (`file` is where it is now), and clients need the new one.
   */
  kind: 'damaged' | 'lost' | 'not-saving' | 'saving-again' | 'unusable' | 'stopped' | 'new-token';
  message: string;
  file: string | null;
}

/** Where the shared gateway is and what proves it (src/loopback). Never logged. */
interface Whereabouts {
  url: string;
  port: number;
  instance: string;
  secret: string;
}

export type ToGateway =
  | { type: 'close' }
  | { type: 'proxy'; proxy: ProxySettings }
  | { type: 'settings'; settings: ApiSettings }
  /** The answer to `keys.wanted`; with `sequence: null` the keys changed elsewhere, which only a leader minds. */
  | { type: 'keys'; sequence: number | null; keys: StoredKey[] }
  /** The other answer to `keys.wanted`. */
  | { type: 'keys.unreadable'; sequence: number; error: string }
  /** The secret store took (or failed to take) what `keys.changed` asked it to keep. */
  | { type: 'keys.saved'; sequence: number; error: string | null };

export type FromGateway =
  /** This window leads. */
  | ({ type: 'listening' } & Whereabouts)
  /** Another window leads; `version` is its. Comes again for each leader. */
  | ({ type: 'following'; version: string } & Whereabouts)
  /**
   * `port-taken`: a stranger listens there; `needs-reload`: a newer version wrote the ledger. After these two the thread
   * lives on and says `listening` or `following` once it can; after `error` it is of no more use.
   */
  | { type: 'failed'; reason: 'port-taken' | 'needs-reload' | 'error'; message: string }
  /** The tokens of the leader, to be kept for fresh data folders. */
  | { type: 'identity'; token: string; adminToken: string }
  /** About to lead: the editor side reads the keys and answers `keys` or `keys.unreadable`. */
  | { type: 'keys.wanted'; sequence: number }
  /** Keys changed through the admin API: the editor side stores them, then answers `keys.saved`. */
  | { type: 'keys.changed'; sequence: number; keys: StoredKey[] }
  | { type: 'notice'; notice: GatewayNotice }
  | {
      type: 'log';
      level: 'debug' | 'info' | 'warn' | 'error';
      component: string;
      message: string;
      fields?: Record<string, unknown>;
    }
  | { type: 'closed' };
