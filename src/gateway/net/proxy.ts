import { BlockList, isIP, isIPv4 } from 'node:net';
import type { ProxySettings } from '../../protocol/worker.js';
import { UpstreamError } from './upstream.js';

/** A proxy, parsed. */
export interface ProxyEndpoint {
  scheme: 'http' | 'https' | 'socks5' | 'socks5h';
  hostname: string;
  port: number;
  username: string;
  password: string;
  /** The value of `Proxy-Authorization`, http and https proxies only; null for none. */
  authorization: string | null;
}

export const noProxy: ProxySettings = { url: null, bypass: [], strictTls: true, certificates: [], authorization: null };

const DEFAULT_PORTS: Record<ProxyEndpoint['scheme'], number> = { http: 80, https: 443, socks5: 1080, socks5h: 1080 };

function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Parses the proxy URL; `host:port` alone means http, as curl takes it. Null when none is set.
 * Throws `UpstreamError` of kind `proxy` for a URL or scheme we cannot use (its text is kept out: it may hold a password).
 */
export function parseProxy(settings: ProxySettings): ProxyEndpoint | null {
  const text = settings.url?.trim();
  if (!text) return null;
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw new UpstreamError('proxy', 'The proxy URL cannot be read');
  }
  const name = url.protocol.slice(0, -1);
  const scheme = name === 'socks' ? 'socks5h' : name;
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'socks5' && scheme !== 'socks5h') {
    throw new UpstreamError('proxy', `Proxies of the scheme ${name} are not supported`);
  }
  const username = decode(url.username);
  const password = decode(url.password);
  const basic = username || password ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : null;
  return {
    scheme,
    hostname: withoutBrackets(url.hostname),
    port: url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port),
    username,
    password,
    authorization: settings.authorization || basic,
  };
}

/** `localhost` and names under it, 127.0.0.0/8, ::1. */
export function isLoopbackHost(hostname: string): boolean {
  const host = withoutBrackets(hostname).replace(/\.$/, '').toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true;
  if (isIPv4(host)) return host.startsWith('127.');
  return /^::ffff:7f[0-9a-f]{2}:/.test(host);
}

interface HostPort {
  host: string;
  port: string | null;
}

/** `name`, `name:port`, `[v6]:port`, bare `v6`. */
function splitPort(text: string): HostPort {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  if (bracketed) return { host: bracketed[1]!, port: bracketed[2] ?? null };
  if (isIP(text) === 6) return { host: text, port: null };
  const plain = /^(.*):(\d+)$/.exec(text);
  return plain ? { host: plain[1]!, port: plain[2]! } : { host: text, port: null };
}

function isInCidr(host: string, cidr: string): boolean {
  const [network, prefix] = cidr.split('/');
  const family = isIP(network ?? '');
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(prefix ?? '')) return false;
  const bits = Number(prefix);
  if (bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network!, bits, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function matches(rule: string, host: string, port: string): boolean {
  if (rule === '*') return true;
  if (rule === '<local>') return !host.includes('.') && isIP(host) === 0;
  if (rule.includes('/')) return isInCidr(host, rule);
  const wanted = splitPort(rule);
  if (wanted.port !== null && wanted.port !== port) return false;
  const name = wanted.host.replace(/^\*?\./, '').replace(/\.$/, '');
  if (name === '' || name === '*') return name === '*';
  if (host === name) return true;
  // `domain`, `.domain` and `*.domain` all cover the domain and what is under it, as curl reads no_proxy.
  return isIP(host) === 0 && host.endsWith(`.${name}`);
}

/**
 * Whether a URL goes out directly although a proxy is set: loopback always does.
 * Rules: `host`, `.domain`, `*.domain`, each with an optional `:port`; CIDR; `<local>` (names without a dot); `*`.
 */
export function isBypassed(url: URL, bypass: readonly string[], isLoopback = isLoopbackHost): boolean {
  const host = withoutBrackets(url.hostname).replace(/\.$/, '').toLowerCase();
  if (isLoopback(host)) return true;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return bypass.some((rule) => matches(rule.trim().toLowerCase(), host, port));
}

/**
 * The conventional variables, for use without an editor. All providers but local ones are https, so HTTPS_PROXY wins
 * over ALL_PROXY and HTTP_PROXY; the lower-case name wins over the upper-case one, as in curl.
 */
export function proxyFromEnvironment(env: Record<string, string | undefined>): ProxySettings {
  const read = (name: string): string | null => env[name.toLowerCase()]?.trim() || env[name]?.trim() || null;
  return {
    ...noProxy,
    url: read('HTTPS_PROXY') ?? read('ALL_PROXY') ?? read('HTTP_PROXY'),
    bypass: (read('NO_PROXY') ?? '').split(/[\s,]+/).filter((rule) => rule !== ''),
  };
}
