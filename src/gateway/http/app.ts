import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { credentialOf } from '../../loopback/proof.js';
import type { StoredKey } from '../../protocol/worker.js';
import { sealKeys } from '../leadership/handover.js';
import {
  createTokenCheck,
  forbiddenHost,
  forbiddenOrigin,
  invalidToken,
  isHostAllowed,
  isOriginAllowed,
  tokenOf,
} from './access.js';
import { type ApiContext, createApiRoutes, type Env } from './apiRoutes.js';
import { type ChatRouteContext, logInternal, sendError, serveChat } from './chatRoute.js';
import { HttpError, invalidRequest, notFound, toHttpError } from './errors.js';
import { listModels } from './modelsRoute.js';
import { isWhois, serveWhois } from './whoisRoute.js';

export interface AppContext {
  chat: ChatRouteContext;
  api: ApiContext;
  token: string;
  adminToken: string;
  /** The gateway's own secret, and the instance that it proves. */
  secret: string;
  instance: string;
  /** What a follower would go on with. */
  storedKeys(): StoredKey[];
  /** What we are bound to. */
  host: string;
  newId(prefix: string): string;
  /** Why requests cannot be answered, or null. */
  notReady(): string | null;
}

const CHAT_PATH = '/v1/chat/completions';
const UNPREFIXED_CHAT_PATH = '/chat/completions';

/** Paths that are also served without `/v1` (contract.md): base URLs are pasted with and without it. */
const UNPREFIXED = /^\/(?:chat\/completions|models(?:\/.+)?)$/;

/** Throws why a request may not pass. */
interface Gate {
  checkPlace(headers: IncomingHttpHeaders): void;
  /** `follower`: the credential alone; `admin`: the admin token or the credential. */
  checkToken(headers: IncomingHttpHeaders, kind: 'unified' | 'admin' | 'follower'): void;
}

function createGate(context: AppContext): Gate {
  const isAdmin = createTokenCheck(context.adminToken);
  const isFollower = createTokenCheck(credentialOf(context.secret, context.instance));
  const checks = {
    unified: createTokenCheck(context.token),
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

/**
 * What the server calls for every request. Chats at their plain paths go straight to Node's request and response, by the
 * same checks: Hono and its Request cost more there than everything of ours (docs/performance.md). All else is Hono's.
 */
export function createListener(context: AppContext): RequestListener {
  const gate = createGate(context);
  const hono = getRequestListener(createApp(context, gate).fetch, {
    overrideGlobalObjects: false,
    // A Host or target that makes no URL: Hono never sees it.
    errorHandler: () =>
      errorResponse(context.newId('req_'), invalidRequest('The Host header or the path is malformed')),
  });
  return (incoming, outgoing) => {
    if (isWhois(incoming)) {
      answerWhois(context, gate, incoming, outgoing);
      return;
    }
    if (incoming.method !== 'POST' || (incoming.url !== CHAT_PATH && incoming.url !== UNPREFIXED_CHAT_PATH)) {
      void hono(incoming, outgoing);
      return;
    }
    const requestId = context.newId('req_');
    try {
      gate.checkPlace(incoming.headers);
      gate.checkToken(incoming.headers, 'unified');
    } catch (error) {
      sendError(outgoing, requestId, toHttpError(error));
      return;
    }
    void serveChat(context.chat, incoming, outgoing, requestId);
  };
}

function answerWhois(context: AppContext, gate: Gate, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const requestId = context.newId('req_');
  const { instance, secret } = context;
  try {
    gate.checkPlace(incoming.headers);
    serveWhois({ instance, secret, version: context.api.version }, incoming, outgoing, requestId);
  } catch (error) {
    sendError(outgoing, requestId, toHttpError(error));
  }
}

/** The whole HTTP face of the gateway. */
function createApp(context: AppContext, gate: Gate): Hono<Env> {
  const app = new Hono<Env>({ getPath: (request) => normalisePath(request.url) });
  const created = Math.floor(context.chat.clock.now() / 1000);

  app.use(async (c, next) => {
    const requestId = context.newId('req_');
    c.set('requestId', requestId);
    // What is written to Node's own response has it from there; Web headers would only cost time.
    if (c.req.path !== CHAT_PATH) c.header('x-request-id', requestId);
    gate.checkPlace(c.env.incoming.headers);
    await next();
  });
  app.use('/v1/*', async (c, next) => {
    gate.checkToken(c.env.incoming.headers, 'unified');
    await next();
  });
  app.use('/api/*', async (c, next) => {
    gate.checkToken(c.env.incoming.headers, 'admin');
    await next();
  });

  app.get('/livez', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const reason = context.notReady();
    return reason === null ? c.json({ status: 'ready' }) : c.json({ status: 'not ready', reason }, 503);
  });
  app.post(CHAT_PATH, async (c) => {
    const { incoming, outgoing } = c.env;
    await serveChat(context.chat, incoming as IncomingMessage, outgoing as ServerResponse, c.get('requestId'));
    return RESPONSE_ALREADY_SENT;
  });
  const models = () => listModels(context.chat.router.inventory, context.chat.router.isFree, created);
  app.get('/v1/models', (c) => c.json({ object: 'list', data: models() }));
  app.get('/v1/models/*', (c) => {
    const path = normalisePath(c.req.url);
    const id = decodeId(path.slice('/v1/models/'.length));
    const entry = models().find((model) => model.id === id);
    if (entry) return c.json(entry);
    throw toModelNotFound(id);
  });
  app.get('/api/handover', (c) => {
    gate.checkToken(c.env.incoming.headers, 'follower');
    return c.json(sealKeys(context.secret, context.instance, context.storedKeys()));
  });
  app.route('/', createApiRoutes(context.api));

  app.notFound((c) => errorResponse(c.get('requestId'), notFound(c.req.path)));
  app.onError((error, c) => {
    const httpError = toHttpError(error);
    const requestId = c.get('requestId') ?? context.newId('req_');
    if (httpError.code === 'internal_error') logInternal(context.chat.log, requestId, error);
    return errorResponse(requestId, httpError);
  });
  return app;
}

function toModelNotFound(id: string): HttpError {
  const message = `There is no model ${JSON.stringify(id.slice(0, 200))}; GET /v1/models lists those there are`;
  return new HttpError(404, 'invalid_request_error', 'model_not_found', message, { param: 'model' });
}

/** An error as Hono answers it. */
function errorResponse(requestId: string, error: HttpError): Response {
  return Response.json(error.toBody(), {
    status: error.status,
    headers: {
      'x-request-id': requestId,
      ...(error.status === 413 ? { connection: 'close' } : {}),
      ...error.details.headers,
    },
  });
}

/** The path of a URL with doubled and trailing slashes gone and `/v1` in front where it may be left out. */
function normalisePath(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const end = url.slice(start).search(/[?#]/);
  const raw = start < 0 ? '/' : end < 0 ? url.slice(start) : url.slice(start, start + end);
  let path = raw;
  if (path.includes('//')) path = path.replace(/\/{2,}/g, '/');
  if (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1);
  if (path.startsWith('/v1/v1/')) path = path.slice('/v1'.length);
  return UNPREFIXED.test(path) ? `/v1${path}` : path;
}

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
