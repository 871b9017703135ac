import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type * as z from 'zod';
import { type ApiEndpoint, type ApiEndpointName, apiEndpoints, openApiDocument } from '../../protocol/api.js';
import type { ChainView } from '../../protocol/chain.js';
import type { GatewayState } from '../../protocol/events.js';
import type { CooldownView } from '../../protocol/keyGroups.js';
import type { ProviderView } from '../../protocol/provider.js';
import type { Strategy } from '../../protocol/strategyNames.js';
import { paidPrices } from '../catalog/savings.js';
import type { EventBus } from '../eventBus.js';
import { type KeyPool, keyView } from '../keys/keyPool.js';
import type { KeyService } from '../keys/keyService.js';
import type { Bookkeeping } from '../ledger/bookkeeping.js';
import type { Clock } from '../ports.js';
import type { QuotaEngine } from '../quota/engine.js';
import type { Chain } from '../routing/chain.js';
import type { Cooldown, Cooldowns } from '../routing/cooldowns.js';
import type { Candidate, Inventory } from '../routing/inventory.js';
import type { Profiles } from '../routing/profiles.js';
import { profileView, profileViews } from '../routing/profileView.js';
import type { Settings } from '../settings.js';
import { registerAnalyticsRoutes } from './analyticsRoutes.js';
import { HttpError, invalidRequest } from './errors.js';
import { serveEvents } from './eventsRoute.js';
import { readQuery } from './readQuery.js';
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
  /** Replaces the token. @throws HttpError 409 where it is fixed. */
  rotateToken(): Promise<void>;
  /** Aborts when the gateway closes: live events end at once. */
  closing: AbortSignal;
  clock: Clock;
  events: EventBus;
  keys: KeyPool;
  keyService: KeyService;
  cooldowns: Cooldowns;
  books: Bookkeeping;
  settings: Settings;
  chain: Chain;
  /** The config file has a chain: it holds, and is changed there. */
  isChainFixed: boolean;
  state(): GatewayState;
  providers(): ProviderView[];
  /** Under this strategy; under the one in force if left out. */
  chainView(strategy?: Strategy): ChainView;
  profiles: Profiles;
  inventory(): Inventory;
  isFree(candidate: Candidate): boolean;
  /** The chain's that is in force. */
  strategy(): Strategy;
  quota: QuotaEngine;
  /** A cooldown was lifted by hand. */
  retried(cooldown: Cooldown): void;
  /** Counts or limits changed by hand: they are to be kept. */
  quotaChanged(): void;
}

/** The admin API. Who may call it is checked before (access.ts). */
export function createApiRoutes(context: ApiContext): Hono<Env> {
  const routes = new Hono<Env>();
  const { keyService, cooldowns } = context;
  routes.get('/api/state', (c) => c.json(context.state()));
  routes.get('/api/endpoint', (c) => c.json(context.endpoint()));
  routes.post('/api/endpoint/rotate', async (c) => {
    await context.rotateToken();
    return c.json(context.endpoint());
  });
  routes.get('/api/openapi.json', (c) => c.json(openApiDocument(context.version)));
  routes.get('/api/providers', (c) => c.json({ data: context.providers() }));
  routes.get('/api/keys', (c) => c.json({ data: context.keys.all().map((key) => keyView(key, context.cooldowns)) }));
  routes.post('/api/keys', async (c) => {
    const { key, check } = await keyService.add(await readInput('addKey', c.env));
    return c.json({ key: keyView(key, context.cooldowns), check }, 201);
  });
  routes.post('/api/keys/check', async (c) => c.json(await keyService.check(await readInput('checkKey', c.env))));
  routes.patch('/api/keys/:id', async (c) => {
    return c.json(
      keyView(await keyService.change(c.req.param('id'), await readInput('changeKey', c.env)), context.cooldowns),
    );
  });
  routes.delete('/api/keys/:id', async (c) => {
    await keyService.remove(c.req.param('id'));
    return c.body(null, 204);
  });
  routes.post('/api/keys/:id/test', async (c) => c.json(await keyService.test(c.req.param('id'))));
  const settings = () => ({ ...context.settings.all, strategy: context.strategy() });
  routes.get('/api/settings', (c) => c.json(settings()));
  routes.put('/api/settings', async (c) => {
    await context.settings.save(await readInput('putSettings', c.env));
    return c.json(settings());
  });
  routes.get('/api/chain', (c) => c.json(context.chainView(readQuery('getChain', c).strategy)));
  routes.put('/api/chain', async (c) => {
    const { data } = await readInput('putChain', c.env);
    if (context.isChainFixed) throw chainInConfig();
    const entries = data?.map(({ model, enabled }) => ({ model, isEnabled: enabled ?? true })) ?? null;
    await context.chain.replace(entries);
    return c.json(context.chainView());
  });
  registerProfileRoutes(routes, context);
  routes.get('/api/quota', (c) => c.json({ data: context.quota.list() }));
  routes.post('/api/quota/reset', async (c) => {
    const { id, kind } = await readInput('resetQuota', c.env);
    context.quota.forgetLimit(id, kind);
    context.quotaChanged();
    return c.body(null, 204);
  });
  routes.get('/api/cooldowns', (c) => c.json({ data: cooldownViews(cooldowns) }));
  routes.delete('/api/cooldowns/:id', (c) => {
    const cooldown = [...cooldowns.list(), ...cooldowns.tried()].find(({ id }) => id === c.req.param('id'));
    if (!cooldown) throw new HttpError(404, 'invalid_request_error', 'not_found', 'There is no cooldown with this id');
    cooldowns.clear(cooldown.id);
    context.retried(cooldown);
    return c.body(null, 204);
  });
  registerAnalyticsRoutes(routes, {
    query: (read) => context.books.query(read),
    analytics: (query) => context.books.analytics(query, context.clock.now()),
    priceOf: paidPrices(),
    now: context.clock.now,
  });
  routes.get('/api/events', (c) => {
    serveEvents(context, c.env.incoming, c.env.outgoing, c.get('requestId'));
    return RESPONSE_ALREADY_SENT;
  });
  return routes;
}

function registerProfileRoutes(routes: Hono<Env>, { profiles, inventory, isFree }: ApiContext): void {
  routes.get('/api/profiles', (c) => c.json({ data: profileViews(inventory(), isFree) }));
  routes.put('/api/profiles', async (c) => {
    const { name, chain, strategy = null, contextWindow = null } = await readInput('putProfile', c.env);
    await profiles.put({ name, chain, strategy, contextWindow }, inventory());
    return c.json(profileView(name, inventory(), isFree));
  });
  routes.delete('/api/profiles/:name', async (c) => {
    await profiles.remove(c.req.param('name'));
    return c.body(null, 204);
  });
}

function cooldownViews(cooldowns: Cooldowns): CooldownView[] {
  return [
    ...cooldowns.list().map((cooldown) => cooldownView(cooldown, 'resting')),
    ...cooldowns.tried().map((cooldown) => cooldownView(cooldown, 'trying')),
  ];
}

function cooldownView(cooldown: Cooldown, state: CooldownView['state']): CooldownView {
  const { target: _target, streak: _streak, isCounted: _isCounted, ...view } = cooldown;
  return { ...view, state };
}

function chainInConfig(): HttpError {
  const message = 'The chain is in the config file: change it there';
  return new HttpError(409, 'invalid_request_error', 'chain_in_config', message);
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
