import type { ProxySettings } from '../protocol/worker.js';

/** Settings as they were found, of unknown types: users edit JSON by hand. */
export interface RawProxySettings {
  proxy: unknown;
  noProxy: unknown;
  strictTls: unknown;
  authorization: unknown;
  support: unknown;
}

/**
 * What VS Code would have done in its main thread: `http.proxy`, else the environment (the lower-case name first,
 * as curl does); nothing when `http.proxySupport` is `off`.
 */
export function resolveProxy(
  raw: RawProxySettings,
  env: Readonly<Record<string, string | undefined>>,
  certificates: string[],
): ProxySettings {
  const isOff = raw.support === 'off';
  const fromEnv = (...names: string[]): string | null => {
    for (const name of names) {
      const value = (env[name] ?? env[name.toUpperCase()])?.trim();
      if (value) return value;
    }
    return null;
  };
  const setUrl = text(raw.proxy);
  const listed = Array.isArray(raw.noProxy) ? raw.noProxy.map(text).filter((host) => host !== null) : [];
  const bypass = listed.length > 0 ? listed : (fromEnv('no_proxy') ?? '').split(/[\s,]+/).filter(Boolean);
  return {
    url: isOff ? null : (setUrl ?? fromEnv('https_proxy', 'http_proxy', 'all_proxy')),
    bypass,
    strictTls: raw.strictTls !== false,
    certificates,
    authorization: isOff ? null : text(raw.authorization),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}
