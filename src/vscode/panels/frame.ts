import type { Frame, FrameGateway } from '../../protocol/pages.js';
import type { HostState } from '../gatewayHost.js';

/** The host's state as the pages' header says it. */
export function frameGateway(state: HostState): FrameGateway {
  switch (state.kind) {
    case 'starting':
      return { kind: 'starting' };
    case 'running':
    case 'following':
      return { kind: 'up', url: state.url, isHere: state.kind === 'running' };
    case 'stopped':
      return { kind: 'down', reason: state.reason, message: state.message };
  }
}

/** What a page may know of the endpoint: never the token. */
export function frameEndpoint({ baseUrl, token }: { baseUrl: string; token: string }): NonNullable<Frame['endpoint']> {
  return { baseUrl, tokenMask: maskToken(token) };
}

/** `freellmapi-…f3a9`; a short one shows nothing of itself. */
export function maskToken(token: string): string {
  const prefix = 'freellmapi-';
  const tail = token.length >= 20 ? token.slice(-4) : '';
  return `${token.startsWith(prefix) ? prefix : ''}…${tail}`;
}
