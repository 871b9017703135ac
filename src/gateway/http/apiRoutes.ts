import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type * as z from 'zod';
import {
  type ApiEndpoint,
  type ApiEndpointName,
  type ApiSettings,
  apiEndpoints,
  openApiDocument,
} from '../../protocol/api.js';
import type { GatewayState } from '../../protocol/events.js';
import type { ProviderView } from '../../protocol/provider.js';
import type { EventBus } from '../eventBus.js';
import { type KeyPool, keyView } from '../keys/keyPool.js';
import type { KeyService } from '../keys/keyService.js';
import type { Clock } from '../ports.js';
import type { Cooldowns } from '../routing/cooldowns.js';
import { HttpError, invalidRequest } from './errors.js';
import { serveEvents } from './eventsRoute.js';
import { readJsonBody } from './requestBody.js';

/** What a request carries through Hono. */
export interface Env {
  Bindings: HttpBindings;
  Variables: { requestId: string };
}

export interface ApiContext {
  version: string;
  /** What clients need. */
  endpoint(): { baseUrl: string; token: string };
  /** Aborts when the gateway closes: live events end at once. */
  closing: AbortSignal;
  clock: Clock;
  events: EventBus;
  keys: KeyPool;
  keyService: KeyService;
  cooldowns: Cooldowns;
  state(): GatewayState;
  providers(): ProviderView[];
  settings(): ApiSettings;
  changeSettings(change: ApiSettings): ApiSettings;
}

/** The admin API. Who may call it is checked before (access.ts). */
export function createApiRoutes(context: ApiContext): Hono<Env> {
  const routes = new Hono<Env>();
  const { keyService, cooldowns } = context;
  routes.get('/api/state', (c) => c.json(context.state()));
  routes.get('/api/endpoint', (c) => c.json(context.endpoint()));
  routes.get('/api/openapi.json', (c) => c.json(openApiDocument(context.version)));
  routes.get('/api/providers', (c) => c.json({ data: context.providers() }));
  routes.get('/api/keys', (c) => c.json({ data: context.keys.all().map(keyView) }));
  routes.post('/api/keys', async (c) => {
    const { key, check } = await keyService.add(await readInput('addKey', c.env));
    return c.json({ key: keyView(key), check }, 201);
  });
  routes.post('/api/keys/check', async (c) => c.json(await keyService.check(await readInput('checkKey', c.env))));
  routes.patch('/api/keys/:id', async (c) => {
    return c.json(keyView(await keyService.change(c.req.param('id'), await readInput('changeKey', c.env))));
  });
  routes.delete('/api/keys/:id', async (c) => {
    await keyService.remove(c.req.param('id'));
    return c.body(null, 204);
  });
  routes.post('/api/keys/:id/test', async (c) => c.json(await keyService.test(c.req.param('id'))));
  routes.get('/api/settings', (c) => c.json(context.settings()));
  routes.put('/api/settings', async (c) => c.json(context.changeSettings(await readInput('putSettings', c.env))));
  routes.get('/api/cooldowns', (c) => c.json({ data: cooldowns.list() }));
  routes.delete('/api/cooldowns/:id', (c) => {
    if (cooldowns.clear(c.req.param('id'))) return c.body(null, 204);
    throw new HttpError(404, 'invalid_request_error', 'not_found', 'There is no cooldown with this id');
  });
  routes.get('/api/events', (c) => {
    serveEvents(context, c.env.incoming, c.env.outgoing, c.get('requestId'));
    return RESPONSE_ALREADY_SENT;
  });
  return routes;
}

type InputOf<Name extends ApiEndpointName> = (typeof apiEndpoints)[Name] extends {
  input: infer Schema extends z.ZodType;
}
  ? z.infer<Schema>
  : never;

/**
 * The body of a call, as the endpoint's schema has it.
 * @throws HttpError 400 naming the field.
 */
async function readInput<Name extends ApiEndpointName>(name: Name, env: HttpBindings): Promise<InputOf<Name>> {
  const endpoint: ApiEndpoint = apiEndpoints[name];
  const parsed = endpoint.input?.safeParse(await readJsonBody(env.incoming as never));
  if (parsed?.success) return parsed.data as InputOf<Name>;
  const issue = parsed?.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw invalidRequest(`${field ? `${field}: ` : ''}${issue?.message ?? 'not a valid body'}`, field || null);
}
