import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import * as z from 'zod';
import { limitsSchema } from '../../protocol/limits.js';
import { settingsSchema } from '../../protocol/settings.js';
import { profileStrategySchema, strategySchema } from '../../protocol/strategy.js';
import { wholeChain } from '../../protocol/wholeChain.js';
import { isPlaceholder } from '../providers/keyShapes.js';
import { nearestNames } from '../routing/nearestNames.js';
import { isReservedName } from '../routing/reservedNames.js';

/** Goes into a header as it is. */
const headerText = z
  .string()
  // Checked first: it would be refused for a character that nobody typed.
  .refine((text) => !isPlaceholder(text), {
    error: 'is still the placeholder of an example; put your own in its place',
    abort: true,
  })
  .regex(/^[\x21-\x7e]*$/, 'has a space, a line break or a character that no header takes');

const KEY_HINT = 'expected an object such as { "key": "…" }';

const configKey = z.strictObject(
  {
    key: headerText.min(1),
    label: z.string().optional(),
    models: z.array(z.string()).optional(),
    limits: limitsSchema.optional(),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? KEY_HINT : undefined) },
);

const configModel = z.strictObject({
  id: z.string().min(1),
  name: z.string().optional(),
  contextWindow: z.number().int().positive().optional(),
  maxOutput: z.number().int().positive().optional(),
  tools: z.boolean().optional(),
  vision: z.boolean().optional(),
  reasoning: z.boolean().optional(),
});

const milliseconds = z.number().int().positive().max(3_600_000);

const configProvider = z.strictObject({
  name: z.string().optional(),
  baseUrl: z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).optional(),
  enabled: z.boolean().optional(),
  /** Whether a refusal (429) counts as a request at this provider, where the table is wrong. */
  countsRefusals: z.boolean().optional(),
  keys: z.array(configKey).optional(),
  models: z.array(configModel).optional(),
  timeouts: z
    .strictObject({
      connectMs: milliseconds.optional(),
      firstByteMs: milliseconds.optional(),
      idleMs: milliseconds.optional(),
    })
    .optional(),
});

/** Ids of the user's own providers. */
export const CUSTOM_ID = /^custom:[\w.-]+$/;

const configProfile = z.strictObject({
  chain: wholeChain,
  strategy: profileStrategySchema.optional(),
  contextWindow: z.number().int().positive().optional(),
});

/** Shape of the config file (contract.md, Config file). */
export const configSchema = z.strictObject({
  token: headerText.min(16).optional(),
  adminToken: headerText.min(16).optional(),
  providers: z.record(z.string(), configProvider).optional(),
  chain: wholeChain.optional(),
  strategy: strategySchema.optional(),
  profiles: z.record(z.string().min(1), configProfile).optional(),
  limits: z.record(z.string(), limitsSchema).optional(),
  settings: settingsSchema.optional(),
});

export type ConfigFile = z.infer<typeof configSchema>;
export type ConfigProvider = z.infer<typeof configProvider>;

/** A config that cannot be used; the message names the path inside it and what is wrong, on one line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads a config file's text (JSON with comments and trailing commas).
 * @throws ConfigError naming the place.
 */
export function parseConfig(text: string, knownProviders: readonly string[]): ConfigFile {
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(/^\uFEFF/, ''), errors, { allowTrailingComma: true });
  const first = errors[0];
  if (first) {
    const line = text.slice(0, first.offset).split('\n').length;
    throw new ConfigError(`line ${line}: not valid JSON (${printParseErrorCode(first.error)})`);
  }
  return checkConfig(value, knownProviders);
}

/** The same for a config that is an object already. */
export function checkConfig(value: unknown, knownProviders: readonly string[]): ConfigFile {
  const result = configSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new ConfigError(`${pathText(issue?.path ?? [])}: ${issue?.message ?? 'not a config'}`);
  }
  const config = result.data;
  if (config.token !== undefined && config.token === config.adminToken) {
    throw new ConfigError('adminToken: must differ from token, which agents hold');
  }
  for (const [id, provider] of Object.entries(config.providers ?? {})) checkProvider(id, provider, knownProviders);
  const isKnown = (id: string) => knownProviders.includes(id) || Object.hasOwn(config.providers ?? {}, id);
  for (const [name, profile] of Object.entries(config.profiles ?? {})) {
    if (isReservedName(name)) throw new ConfigError(`profiles.${name}: a profile cannot have the name of a strategy`);
    checkChain(`profiles.${name}.chain`, profile.chain, isKnown, knownProviders);
  }
  checkChain('chain', config.chain ?? [], isKnown, knownProviders);
  checkChain('limits', Object.keys(config.limits ?? {}), isKnown, knownProviders);
  return config;
}

function checkProvider(id: string, provider: ConfigProvider, known: readonly string[]): void {
  if (id.startsWith('custom:')) {
    if (!CUSTOM_ID.test(id)) throw new ConfigError(`providers.${id}: a custom name has letters, digits, . _ -`);
    if (!provider.baseUrl) throw new ConfigError(`providers.${id}.baseUrl: a custom provider needs its base URL`);
  } else if (!known.includes(id)) {
    throw new ConfigError(`providers.${id}: unknown provider${suggestion(id, known)}; others go under "custom:<name>"`);
  }
}

function checkChain(path: string, entries: string[], isKnown: (id: string) => boolean, known: readonly string[]): void {
  entries.forEach((entry, position) => {
    const slash = entry.indexOf('/');
    const id = entry.slice(0, Math.max(slash, 0));
    if (slash < 1)
      throw new ConfigError(`${path}[${position}]: expected "provider/model", not ${JSON.stringify(entry)}`);
    if (!isKnown(id)) throw new ConfigError(`${path}[${position}]: unknown provider "${id}"${suggestion(id, known)}`);
  });
}

function suggestion(id: string, known: readonly string[]): string {
  const [nearest] = nearestNames(id, known, 1);
  return nearest ? ` (did you mean "${nearest}"?)` : '';
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'config';
}
