import { request as httpRequest } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { ProxyEndpoint } from './proxy.js';
import { UpstreamError } from './upstream.js';

export interface TunnelTarget {
  hostname: string;
  port: number;
}

function authority(target: TunnelTarget): string {
  const host = isIP(target.hostname) === 6 ? `[${target.hostname}]` : target.hostname;
  return `${host}:${target.port}`;
}

/**
 * Asks an http(s) proxy for a tunnel (CONNECT, RFC 9110 section 9.3.6) over an open socket.
 * Our own rather than undici's ProxyAgent: that one reconnects without end when the proxy closes during CONNECT.
 * Rejects with `UpstreamError` of kind `proxy`.
 */
export function openHttpTunnel(socket: Socket, proxy: ProxyEndpoint, target: TunnelTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { host: authority(target) };
    if (proxy.authorization) headers['proxy-authorization'] = proxy.authorization;
    const request = httpRequest({
      method: 'CONNECT',
      path: authority(target),
      headers,
      createConnection: () => socket,
    });
    request.once('connect', (response, tunnel, head) => {
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) {
        tunnel.destroy();
        const why = status === 407 ? 'wants other credentials' : 'refused the tunnel';
        return reject(new UpstreamError('proxy', `The proxy ${why} (${status})`));
      }
      if (head.length > 0) tunnel.unshift(head);
      resolve(tunnel as Socket);
    });
    request.on('error', (cause) => reject(new UpstreamError('proxy', 'The proxy closed during CONNECT', { cause })));
    request.end();
  });
}

/**
 * Asks a SOCKS5 proxy (RFC 1928, user and password by RFC 1929) for a connection over an open socket.
 * Rejects with `UpstreamError` of kind `proxy`.
 */
export async function openSocksTunnel(socket: Socket, proxy: ProxyEndpoint, target: TunnelTarget): Promise<Socket> {
  // Few have such a proxy, and all would load it at the start.
  const { SocksClient } = await import('socks');
  const credentials = proxy.username ? { userId: proxy.username, password: proxy.password } : {};
  try {
    const { socket: tunnel } = await SocksClient.createConnection({
      command: 'connect',
      proxy: { host: proxy.hostname, port: proxy.port, type: 5, ...credentials },
      destination: { host: target.hostname, port: target.port },
      existing_socket: socket,
      // The longest timer there is: the exchange's own connect time-out ends this by destroying the socket.
      timeout: 2 ** 31 - 1,
    });
    return tunnel;
  } catch (cause) {
    throw new UpstreamError('proxy', 'The SOCKS proxy refused the connection', { cause });
  }
}
