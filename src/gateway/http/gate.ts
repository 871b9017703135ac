import type { IncomingHttpHeaders } from 'node:http';
import { credentialOf } from '../../loopback/proof.js';
import type { UnifiedToken } from '../unifiedToken.js';
import {
  createTokenCheck,
  forbiddenHost,
  forbiddenOrigin,
  invalidToken,
  isHostAllowed,
  isOriginAllowed,
  tokenOf,
} from './access.js';

/** Whom the gate lets in. */
export interface GateOptions {
  token: Pick<UnifiedToken, 'matches'>;
  adminToken: string;
  /** The gateway's own secret, and the instance that it proves. */
  secret: string;
  instance: string;
  /** What we are bound to. */
  host: string;
}

/** Throws why a request may not pass. */
export interface Gate {
  checkPlace(headers: IncomingHttpHeaders): void;
  /** `follower`: the credential alone; `admin`: the admin token or the credential. */
  checkToken(headers: IncomingHttpHeaders, kind: 'unified' | 'admin' | 'follower'): void;
}

export function createGate(context: GateOptions): Gate {
  const isAdmin = createTokenCheck(context.adminToken);
  const isFollower = createTokenCheck(credentialOf(context.secret, context.instance));
  const checks = {
    unified: (token: string) => context.token.matches(token),
    admin: (token: string) => isAdmin(token) || isFollower(token),
    follower: isFollower,
  };
  return {
    checkPlace(headers) {
      if (!isHostAllowed(headers.host, context.host)) throw forbiddenHost();
      if (!isOriginAllowed(headers.origin, headers.host)) throw forbiddenOrigin();
    },
    checkToken(headers, kind) {
      const token = tokenOf(headers);
      if (token !== null && checks[kind](token)) return;
      throw invalidToken(token === null ? 'missing' : 'wrong', kind === 'unified' ? kind : 'admin');
    },
  };
}
