import { isIP, connect as netConnect, type Socket } from 'node:net';
import { type SecureContext, connect as tlsConnect } from 'node:tls';
import type { AddressGuard } from './addressGuard.js';
import type { ProxyEndpoint } from './proxy.js';
import { openHttpTunnel, openSocksTunnel } from './proxyTunnel.js';
import { toUpstreamError } from './transportErrors.js';
import { UpstreamError } from './upstream.js';

export interface ConnectorOptions {
  /** Scheme, host and port of the upstream. */
  origin: URL;
  proxy: ProxyEndpoint | null;
  isStrictTls: boolean;
  /** Asked at the first TLS connection. */
  secureContext(): SecureContext;
  guard: AddressGuard;
}

export type ConnectCallback = (...result: [error: null, socket: Socket] | [error: UpstreamError, socket: null]) => void;

/** Opens one connection; calls back once, never within the call. Returns `cancel`, which closes what is open. */
export type Connector = (callback: ConnectCallback) => () => void;

/** One connector serves one origin, so one remembered TLS session is all there is to resume. */
export function createConnector(options: ConnectorOptions): Connector {
  const isTls = options.origin.protocol === 'https:';
  const hostname = options.origin.hostname.replace(/^\[|\]$/g, '');
  const port = Number(options.origin.port || (isTls ? 443 : 80));
  const servername = isIP(hostname) ? '' : hostname;
  let session: Buffer | undefined;

  function openTcp(
    host: string,
    atPort: number,
    isGuarded: boolean,
    onSocket: (socket: Socket) => void,
  ): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = netConnect({
        host,
        port: atPort,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: 60_000,
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: 500,
        ...(isGuarded ? { lookup: options.guard.lookup } : {}),
      });
      onSocket(socket);
      // The listener stays: once connected, undici adds its own, and a late error without any would crash.
      socket.on('error', reject).once('connect', () => resolve(socket));
      socket.once('close', () =>
        reject(new UpstreamError('reset', `${options.origin.origin}: closed while connecting`)),
      );
    });
  }

  function startTls(raw: Socket, host: string, name: string, isTarget: boolean): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({
        socket: raw,
        host,
        servername: name,
        ALPNProtocols: ['http/1.1'],
        secureContext: options.secureContext(),
        rejectUnauthorized: options.isStrictTls,
        ...(isTarget && session ? { session } : {}),
      });
      if (isTarget) socket.on('session', (ticket: Buffer) => (session = ticket));
      socket.on('error', reject).once('secureConnect', () => resolve(socket));
      socket.once('close', () =>
        reject(new UpstreamError('reset', `${options.origin.origin}: closed in TLS handshake`)),
      );
    });
  }

  async function openTunnel(proxy: ProxyEndpoint, onSocket: (socket: Socket) => void): Promise<Socket> {
    try {
      let socket = await openTcp(proxy.hostname, proxy.port, false, onSocket);
      if (proxy.scheme === 'http' || proxy.scheme === 'https') {
        const name = isIP(proxy.hostname) ? '' : proxy.hostname;
        if (proxy.scheme === 'https') socket = await startTls(socket, proxy.hostname, name, false);
        return await openHttpTunnel(socket, proxy, { hostname, port });
      }
      const resolved = proxy.scheme === 'socks5' ? await resolveHere() : hostname;
      return await openSocksTunnel(socket, proxy, { hostname: resolved, port });
    } catch (cause) {
      if (cause instanceof UpstreamError && cause.kind !== 'reset') throw cause;
      throw new UpstreamError('proxy', `The proxy cannot be reached (${toUpstreamError(cause, 'proxy').kind})`, {
        cause,
      });
    }
  }

  /** `socks5` resolves on this side and `socks5h` on the proxy's, as curl has it. */
  function resolveHere(): Promise<string> {
    if (isIP(hostname)) return Promise.resolve(hostname);
    return new Promise((resolve, reject) => {
      options.guard.lookup(hostname, { all: false }, (error, address) => {
        if (error) reject(toUpstreamError(error, options.origin.origin));
        else resolve(typeof address === 'string' ? address : address[0]!.address);
      });
    });
  }

  async function open(onSocket: (socket: Socket) => void): Promise<Socket> {
    const refusal = options.guard.checkHost(hostname);
    if (refusal) throw refusal;
    const raw = options.proxy
      ? await openTunnel(options.proxy, onSocket)
      : await openTcp(hostname, port, true, onSocket);
    return isTls ? startTls(raw, hostname, servername, true) : raw;
  }

  return (callback) => {
    let raw: Socket | null = null;
    let isCancelled = false;
    const onSocket = (socket: Socket): void => {
      raw = socket;
      if (isCancelled) socket.destroy();
    };
    open(onSocket).then(
      (socket) => callback(null, socket),
      (error: unknown) => {
        raw?.destroy();
        callback(toUpstreamError(error, options.origin.origin), null);
      },
    );
    return () => {
      isCancelled = true;
      raw?.destroy();
    };
  };
}
