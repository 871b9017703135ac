import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { StoredKey } from '../../protocol/worker.js';
import { sealKeys } from '../leadership/handover.js';
import { type ApiContext, createApiRoutes, type Env } from './apiRoutes.js';
import { type ChatRouteContext, logInternal, serveChat } from './chatRoute.js';
import { HttpError, invalidRequest, notFound, toHttpError } from './errors.js';
import type { Gate, GateOptions } from './gate.js';
import { listModels } from './modelsRoute.js';
import { CHAT_PATH } from './paths.js';

export interface AppContext extends GateOptions {
  chat: ChatRouteContext;
  api: ApiContext;
  /** What a follower would go on with. */
  storedKeys(): StoredKey[];
  newId(prefix: string): string;
  /** Why requests cannot be answered, or null. */
  notReady(): string | null;
}

/** Paths that are also served without `/v1` (contract.md): base URLs are pasted with and without it. */
const UNPREFIXED = /^\/(?:chat\/completions|models(?:\/.+)?)$/;

/** Everything but the chats that the fast lane takes, by Hono. */
export function createAppListener(context: AppContext, gate: Gate): RequestListener {
  return getRequestListener(createApp(context, gate).fetch, {
    overrideGlobalObjects: false,
    // A Host or target that makes no URL: Hono never sees it.
    errorHandler: () =>
      errorResponse(context.newId('req_'), invalidRequest('The Host header or the path is malformed')),
  });
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
