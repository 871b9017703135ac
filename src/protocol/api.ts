import * as z from 'zod';
import { analytics, analyticsQuery, keyActivity, requestDetail, requestPage, requestsQuery } from './analytics.js';
import { chainQuery, chainView, newChain, newProfile, profileView } from './chain.js';
import { limitsSchema } from './limits.js';
import { settingsSchema } from './settings.js';

/**
 * The admin API in one table: method, path, what goes in and what comes out. The server's validation and
 * `/api/openapi.json` are derived from it. Every call but `whois` takes the admin token as a bearer.
 */

const keyView = z.object({
  id: z.string(),
  provider: z.string(),
  label: z.string(),
  mask: z.string(),
  enabled: z.boolean(),
  health: z.object({
    status: z.enum(['unknown', 'healthy', 'rate_limited', 'invalid', 'error']),
    message: z.string().nullable(),
    checkedAt: z.number().nullable(),
  }),
  limits: z.record(z.string(), z.number()),
  models: z.array(z.string()).nullable(),
  isFixed: z.boolean(),
});

const keyCheck = z.object({
  status: z.enum(['healthy', 'invalid', 'inconclusive']),
  message: z.string(),
  models: z.number().nullable(),
  modelIds: z.array(z.string()).nullable(),
});

const secret = z.string().trim().min(1, 'the key is empty').max(8192);
const newKey = z.strictObject({
  provider: z.string(),
  /** Left out for a provider that needs none. */
  key: secret.optional(),
  label: z.string().max(100).optional(),
  enabled: z.boolean().optional(),
  models: z.array(z.string()).nullable().optional(),
  limits: limitsSchema.optional(),
  /** Of a `custom:*` provider. */
  baseUrl: z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).optional(),
  /** Ask the provider first; an invalid key is then refused and not kept. */
  check: z.boolean().optional(),
});

const keyChange = z.strictObject({
  key: secret.optional(),
  label: z.string().max(100).optional(),
  enabled: z.boolean().optional(),
  models: z.array(z.string()).nullable().optional(),
  limits: limitsSchema.optional(),
});

const provider = z.object({
  id: z.string(),
  name: z.string(),
  offers: z.string(),
  baseUrl: z.string(),
  keyUrl: z.string().nullable(),
  isKeyless: z.boolean(),
  hasAccountId: z.boolean(),
  keyPattern: z.string().nullable(),
  terms: z.object({ note: z.string(), asOf: z.string() }).nullable(),
  keys: z.number(),
  models: z.number(),
});

const cooldown = z.object({
  id: z.string(),
  scope: z.string(),
  provider: z.string(),
  model: z.string().nullable(),
  keyId: z.string().nullable(),
  kind: z.string(),
  message: z.string(),
  since: z.number(),
  /** Over where it is being tried. */
  until: z.number(),
  /** `trying`: the rest is over; one request tries it, and the others follow when its answer begins. */
  state: z.enum(['resting', 'trying']),
});

const quotaUse = z.object({
  id: z.string(),
  kind: z.string(),
  provider: z.string(),
  model: z.string().nullable(),
  keyId: z.string().nullable(),
  used: z.number(),
  limit: z.number().nullable(),
  source: z.enum(['catalog', 'user', 'header', 'error']).nullable(),
  resetsAt: z.number(),
  /** When the limit was learned; null for what was always there. */
  learnedAt: z.number().nullable(),
  /** When it is used up at this pace; null when it is not before it resets. */
  lastsUntil: z.number().nullable(),
});

const list = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item) });

export interface ApiEndpoint {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{id}` or the like where a path parameter stands. */
  path: string;
  summary: string;
  /** The query's parameters: an object of what their text is read as. */
  query?: z.ZodType;
  input?: z.ZodType;
  output?: z.ZodType;
  /** Of success; 200 unless said. */
  status?: number;
}

export const apiEndpoints = {
  getState: {
    method: 'GET',
    path: '/api/state',
    summary: 'Version, uptime, counts, and whether anything can answer',
    output: z.looseObject({ version: z.string(), canAnswer: z.boolean(), reason: z.string().nullable() }),
  },
  whois: {
    method: 'GET',
    path: '/api/whois',
    summary: 'Proves who answers: takes `?nonce=` (16 to 128 hex digits) and no token',
    output: z.object({
      app: z.literal('freellm'),
      instance: z.string(),
      version: z.string(),
      schema: z.number(),
      proof: z.string(),
    }),
  },
  getEndpoint: {
    method: 'GET',
    path: '/api/endpoint',
    summary: 'What clients need: base URL and unified token',
    output: z.object({ baseUrl: z.string(), token: z.string() }),
  },
  rotateToken: {
    method: 'POST',
    path: '/api/endpoint/rotate',
    summary: 'Makes a new unified token; the old one is refused from then on',
    output: z.object({ baseUrl: z.string(), token: z.string() }),
  },
  listProviders: {
    method: 'GET',
    path: '/api/providers',
    summary: 'Every known provider with what it offers',
    output: list(provider),
  },
  listKeys: { method: 'GET', path: '/api/keys', summary: 'The keys, masked, with their health', output: list(keyView) },
  addKey: {
    method: 'POST',
    path: '/api/keys',
    summary: 'Adds a key, or switches a keyless provider on',
    input: newKey,
    output: z.object({ key: keyView, check: keyCheck.nullable() }),
    status: 201,
  },
  checkKey: {
    method: 'POST',
    path: '/api/keys/check',
    summary: 'Asks the provider whether a key is valid, without keeping it',
    input: newKey,
    output: keyCheck,
  },
  changeKey: { method: 'PATCH', path: '/api/keys/{id}', summary: 'Changes a key', input: keyChange, output: keyView },
  removeKey: { method: 'DELETE', path: '/api/keys/{id}', summary: 'Removes a key and its secret', status: 204 },
  testKey: {
    method: 'POST',
    path: '/api/keys/{id}/test',
    summary: 'Asks the provider whether the key is valid',
    output: keyCheck,
  },
  getKeyActivity: {
    method: 'GET',
    path: '/api/keys/{id}/activity',
    summary: 'What a key did in the last 24 hours',
    output: keyActivity,
  },
  getSettings: { method: 'GET', path: '/api/settings', summary: 'The settings in force', output: settingsSchema },
  putSettings: {
    method: 'PUT',
    path: '/api/settings',
    summary: 'Changes the settings that are given',
    input: settingsSchema,
    output: settingsSchema,
  },
  getChain: {
    method: 'GET',
    path: '/api/chain',
    summary: 'The models in the order they are tried, with their scores; `strategy` shows the order under another one',
    query: chainQuery,
    output: chainView,
  },
  putChain: {
    method: 'PUT',
    path: '/api/chain',
    summary: 'Sets the order, and which models are off',
    input: newChain,
    output: chainView,
  },
  listProfiles: {
    method: 'GET',
    path: '/api/profiles',
    summary: 'The named chains; `byProfile` of the analytics tells how they do',
    output: list(profileView),
  },
  putProfile: {
    method: 'PUT',
    path: '/api/profiles',
    summary: 'Makes a profile, or replaces the one of that name',
    input: newProfile,
    output: profileView,
  },
  removeProfile: {
    method: 'DELETE',
    path: '/api/profiles/{name}',
    summary: 'Removes a profile',
    status: 204,
  },
  getQuota: {
    method: 'GET',
    path: '/api/quota',
    summary: 'What was used of each quota window, its limit where one is known, and when it ends',
    output: list(quotaUse),
  },
  resetQuota: {
    method: 'POST',
    path: '/api/quota/reset',
    summary: 'Forgets what a provider said of a window: a learned limit, and that it is closed',
    input: z.strictObject({
      id: z.string(),
      kind: z.enum(['rpm', 'rph', 'rpd', 'rpmonth', 'tpm', 'tpd', 'tpmonth']),
    }),
    status: 204,
  },
  listCooldowns: {
    method: 'GET',
    path: '/api/cooldowns',
    summary: 'What is benched, why, and until when; and what is being tried after that',
    output: list(cooldown),
  },
  clearCooldown: { method: 'DELETE', path: '/api/cooldowns/{id}', summary: 'Lifts a cooldown: retry now', status: 204 },
  getAnalytics: {
    method: 'GET',
    path: '/api/analytics',
    summary: 'What was asked and answered in a window, as sums, percentiles and a series',
    query: analyticsQuery,
    output: analytics,
  },
  listRequests: {
    method: 'GET',
    path: '/api/requests',
    summary: 'The finished requests, newest first, a page at a time',
    query: requestsQuery,
    output: requestPage,
  },
  getRequest: {
    method: 'GET',
    path: '/api/requests/{id}',
    summary: 'One finished request with its attempts',
    output: requestDetail,
  },
  events: {
    method: 'GET',
    path: '/api/events',
    summary: 'Live events as server-sent events; resumes after Last-Event-ID',
  },
  openapi: { method: 'GET', path: '/api/openapi.json', summary: 'This description' },
} as const satisfies Record<string, ApiEndpoint>;

export type ApiEndpointName = keyof typeof apiEndpoints;
export type NewKey = z.infer<typeof newKey>;
export type KeyChange = z.infer<typeof keyChange>;

/** The table as an OpenAPI 3.1 document. */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, endpoint] of Object.entries<ApiEndpoint>(apiEndpoints)) {
    const operations = paths[endpoint.path] ?? {};
    paths[endpoint.path] = operations;
    const parameters = [
      ...[...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
        return { name, in: 'path', required: true, schema: { type: 'string' } };
      }),
      ...(endpoint.query ? queryParameters(endpoint.query) : []),
    ];
    operations[endpoint.method.toLowerCase()] = {
      operationId: name,
      summary: endpoint.summary,
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(endpoint.input ? { requestBody: { required: true, content: jsonContent(endpoint.input) } } : {}),
      responses: {
        [String(endpoint.status ?? 200)]: {
          description: 'Done',
          ...(endpoint.output ? { content: jsonContent(endpoint.output) } : {}),
        },
        default: { description: 'An error: { error: { message, type, code, param } }' },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'FreeLLM admin API', version },
    components: { securitySchemes: { admin: { type: 'http', scheme: 'bearer' } } },
    security: [{ admin: [] }],
    paths,
  };
}

function queryParameters(query: z.ZodType) {
  const { properties = {}, required = [] } = toJsonSchema(query);
  return Object.entries(properties).map(([name, schema]) => {
    return { name, in: 'query', required: required.includes(name), schema };
  });
}

function jsonContent(schema: z.ZodType) {
  return { 'application/json': { schema: toJsonSchema(schema) } };
}

function toJsonSchema(schema: z.ZodType) {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}
