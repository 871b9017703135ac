import * as z from 'zod';

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
});

const keyCheck = z.object({
  status: z.enum(['healthy', 'invalid', 'inconclusive']),
  message: z.string(),
  models: z.number().nullable(),
});

const secret = z.string().trim().min(1, 'the key is empty').max(8192);
const limits = z.record(z.enum(['rpm', 'rph', 'rpd', 'tpm', 'tpd']), z.number().int().nonnegative().optional());
const keyLimits = limits.or(z.strictObject({}));

const newKey = z.strictObject({
  provider: z.string(),
  /** Left out for a provider that needs none. */
  key: secret.optional(),
  label: z.string().max(100).optional(),
  enabled: z.boolean().optional(),
  models: z.array(z.string()).nullable().optional(),
  limits: keyLimits.optional(),
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
  limits: keyLimits.optional(),
});

const settings = z.strictObject({
  'queue.timeoutSeconds': z.number().int().nonnegative().optional(),
  stickyMinutes: z.number().int().nonnegative().optional(),
  contextHandoff: z.boolean().optional(),
  healthProbes: z.boolean().optional(),
  retentionDays: z.number().int().positive().optional(),
  demo: z.boolean().optional(),
});

const provider = z.object({
  id: z.string(),
  name: z.string(),
  offers: z.string(),
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
  until: z.number(),
});

const list = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item) });

export interface ApiEndpoint {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{id}` where a path parameter stands. */
  path: string;
  summary: string;
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
  getSettings: { method: 'GET', path: '/api/settings', summary: 'The settings in force', output: settings },
  putSettings: {
    method: 'PUT',
    path: '/api/settings',
    summary: 'Changes the settings that are given',
    input: settings,
    output: settings,
  },
  listCooldowns: {
    method: 'GET',
    path: '/api/cooldowns',
    summary: 'What is benched, why, and until when',
    output: list(cooldown),
  },
  clearCooldown: { method: 'DELETE', path: '/api/cooldowns/{id}', summary: 'Lifts a cooldown: retry now', status: 204 },
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
export type ApiSettings = z.infer<typeof settings>;

/** The table as an OpenAPI 3.1 document. */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, endpoint] of Object.entries<ApiEndpoint>(apiEndpoints)) {
    const operations = paths[endpoint.path] ?? {};
    paths[endpoint.path] = operations;
    operations[endpoint.method.toLowerCase()] = {
      operationId: name,
      summary: endpoint.summary,
      ...(endpoint.path.includes('{id}')
        ? { parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }] }
        : {}),
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

function jsonContent(schema: z.ZodType) {
  return { 'application/json': { schema: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) } };
}
