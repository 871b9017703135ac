import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AppContext } from './app.js';
import { sendError, serveChat } from './chatRoute.js';
import { toHttpError } from './errors.js';
import { createGate, type Gate } from './gate.js';
import { CHAT_PATH, UNPREFIXED_CHAT_PATH } from './paths.js';
import { isWhois, serveWhois } from './whoisRoute.js';

/** What the server calls for every request. */
export interface Listener {
  handle: RequestListener;
  /** Loads what is loaded at the first request that needs it otherwise. */
  preload(): Promise<unknown>;
}

/**
 * Chats at their plain paths go straight to Node's request and response, by the same checks as all others: Hono and its
 * Request cost more there than everything of ours (docs/performance.md). All else is Hono's, which is loaded after the
 * port is open: it and the schemas of the admin API take as long to load as all the rest of the gateway.
 */
export function createListener(context: AppContext): Listener {
  const gate = createGate(context);
  let app: RequestListener | null = null;
  let loading: Promise<RequestListener> | null = null;

  function loadApp(): Promise<RequestListener> {
    loading ??= import('./app.js')
      .then(({ createAppListener }) => {
        app = createAppListener(context, gate);
        return app;
      })
      .catch((error: unknown) => {
        // The next request tries again.
        loading = null;
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        context.chat.log.log('error', 'http', 'The pages and the admin API could not be loaded', { error: text });
        throw error;
      });
    return loading;
  }

  async function answerByApp(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    let loaded: RequestListener;
    try {
      loaded = await loadApp();
    } catch (error) {
      sendError(outgoing, context.newId('req_'), toHttpError(error));
      return;
    }
    loaded(incoming, outgoing);
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (isWhois(incoming)) {
      answerWhois(context, gate, incoming, outgoing);
      return;
    }
    if (incoming.method !== 'POST' || (incoming.url !== CHAT_PATH && incoming.url !== UNPREFIXED_CHAT_PATH)) {
      if (app) app(incoming, outgoing);
      else void answerByApp(incoming, outgoing);
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
  }

  return { handle, preload: loadApp };
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
