import { errorMessage, isObject } from '../providers/errorBody.js';
import type { CatalogModel, ProviderSpec } from '../providers/spec.js';
import { builtInModels } from './catalog.js';
import { discoverableModel } from './modelDefaults.js';

/** Names of models that do not chat. */
const NOT_CHAT =
  /embed|(?:^|[/_-])(?:bge|e5|gte)[-_]|whisper|transcri|(?:^|[/_:-])(?:tts|stt|asr|ocr|rerank(?:er)?|moderation|guard|imagen|veo|lyria|flux|dall-?e|sdxl|sora)(?:$|[/_.:\d-])|stable-diffusion|cosyvoice|text-to-|gpt-image|nano-banana|-image(?:$|-)|native-audio|playai|orpheus|kokoro|prompt-guard|llama-guard|safeguard/i;
const VISION_NAME = /vision|[-_]vl(?:$|[-_:])|\d+v(?:$|[-_:])|pixtral|omni|llava/i;
const REASONING_NAME = /reason|think|(?:^|[/_-])(?:r1|o[134]|qwq)(?:$|[-_:])|magistral|gpt-oss/i;
const CONTEXT_FIELDS = [
  'context_length',
  'context_window',
  'max_context_length',
  'max_model_len',
  'inputTokenLimit',
  'input_token_limit',
  'max_input_tokens',
];
const OUTPUT_FIELDS = ['max_completion_tokens', 'max_output_tokens', 'outputTokenLimit', 'max_tokens'];
/** Chats that the list calls by a type of its own. */
const CHAT_TYPES = ['text', 'chat', 'language', 'llm', 'text-generation', 'model', 'chat-completion', 'base'];

/**
 * The chat models in a provider's list: OpenAI's `data[]`, `models[]` of Google, Cohere and Ollama, Cloudflare's
 * `result[]`, or a plain array. What is known of a model in the catalog wins over the list; of OpenRouter's models
 * only the free ones are taken. Duplicates are dropped. Throws an Error if the text is no such list.
 */
export function parseModelList(spec: ProviderSpec, bodyText: string): CatalogModel[] {
  const known = new Map(
    builtInModels()
      .filter((model) => model.provider === spec.id)
      .map((model) => [model.id, model]),
  );
  const found = new Map<string, CatalogModel>();
  for (const entry of listEntries(spec, bodyText)) {
    const item: unknown = typeof entry === 'string' ? { id: entry } : entry;
    if (!isObject(item)) continue;
    const id = modelId(spec, item);
    if (id === null || found.has(id)) continue;
    const fromCatalog = known.get(id);
    if (fromCatalog) found.set(id, withListed(fromCatalog, item));
    else if (isChat(id, item) && isFree(spec, id, item)) found.set(id, fromList(spec, id, item));
  }
  return [...found.values()];
}

function listEntries(spec: ProviderSpec, bodyText: string): unknown[] {
  let body: unknown;
  try {
    body = JSON.parse(bodyText);
  } catch (cause) {
    throw new Error(`The model list of ${spec.name} is not JSON`, { cause });
  }
  if (Array.isArray(body)) return body;
  if (isObject(body)) {
    for (const field of ['data', 'models', 'result']) {
      const list = body[field];
      if (Array.isArray(list)) return list;
      // Some nest once more: {data: {models: […]}}.
      if (isObject(list) && Array.isArray(list.models)) return list.models;
    }
  }
  throw new Error(`${spec.name} gave no model list: ${errorMessage(body) ?? 'unknown shape'}`);
}

function modelId(spec: ProviderSpec, item: Record<string, unknown>): string | null {
  // Cloudflare's `id` is a uuid, the name is what requests say; Google, Cohere and Ollama have names only.
  const isNamed = spec.wire === 'gemini' || spec.id === 'cloudflare';
  const value = isNamed ? (item.name ?? item.id) : (item.id ?? item.model ?? item.name);
  if (typeof value !== 'string' || value === '') return null;
  return spec.wire === 'gemini' ? value.replace(/^models\//, '') : value;
}

function isChat(id: string, item: Record<string, unknown>): boolean {
  if (NOT_CHAT.test(id)) return false;
  const methods = item.supportedGenerationMethods;
  if (Array.isArray(methods)) return methods.includes('generateContent');
  const endpoints = item.endpoints;
  if (Array.isArray(endpoints) && endpoints.every((name) => typeof name === 'string') && endpoints.length > 0) {
    return endpoints.some((name: string) => /chat|completion/.test(name));
  }
  const capabilities = item.capabilities;
  if (isObject(capabilities) && capabilities.completion_chat === false) return false;
  if (isObject(item.task) && typeof item.task.name === 'string') return item.task.name === 'Text Generation';
  const output = outputModalities(item);
  if (output !== null && !output.includes('text')) return false;
  const type = item.type ?? item.model_type;
  return typeof type !== 'string' || CHAT_TYPES.includes(type.toLowerCase());
}

function outputModalities(item: Record<string, unknown>): unknown[] | null {
  const { architecture } = item;
  const list = isObject(architecture) ? architecture.output_modalities : item.output_modalities;
  return Array.isArray(list) ? list : null;
}

function isFree(spec: ProviderSpec, id: string, item: Record<string, unknown>): boolean {
  if (spec.id !== 'openrouter') return true;
  if (id.endsWith(':free')) return true;
  const { pricing } = item;
  // Negative prices stand for "depends" (openrouter/auto), absent ones for unknown.
  return (
    isObject(pricing) &&
    ['prompt', 'completion'].every((field) => pricing[field] !== undefined && Number(pricing[field]) === 0)
  );
}

/** The catalog's row, with the one thing that lists know better: how much a model may answer. */
function withListed(model: CatalogModel, item: Record<string, unknown>): CatalogModel {
  const maxOutput = model.maxOutput ?? readNumber(item, OUTPUT_FIELDS);
  const contextWindow = model.contextWindow ?? readNumber(item, CONTEXT_FIELDS) ?? null;
  return { ...model, contextWindow, ...(maxOutput !== undefined && { maxOutput }) };
}

function fromList(spec: ProviderSpec, id: string, item: Record<string, unknown>): CatalogModel {
  const maxOutput = readNumber(item, OUTPUT_FIELDS);
  return {
    ...discoverableModel(spec.id, id),
    name: displayName(item) ?? id,
    contextWindow: readNumber(item, CONTEXT_FIELDS) ?? null,
    ...(maxOutput !== undefined && { maxOutput }),
    // Most chat models of today take tools; one that does not says so and is passed over.
    tools: hasAbility(item, ['tools', 'function_calling', 'tool_calling', 'function_call']) ?? true,
    vision: acceptsImages(item) ?? VISION_NAME.test(id),
    reasoning:
      hasAbility(item, ['reasoning', 'thinking', 'include_reasoning']) ??
      (item.thinking === true || REASONING_NAME.test(id)),
  };
}

function displayName(item: Record<string, unknown>): string | null {
  for (const field of ['display_name', 'displayName', 'name']) {
    const value = item[field];
    if (typeof value === 'string' && value !== '') return value.replace(/^models\//, '');
  }
  return null;
}

/** A positive whole number under one of these names: on the model, or one level down where lists keep limits. */
function readNumber(item: Record<string, unknown>, fields: readonly string[]): number | undefined {
  const holders = [item, item.top_provider, item.limits, item.limit, item.meta, item.metadata, item.model_info];
  for (const holder of holders) {
    if (!isObject(holder)) continue;
    for (const field of fields) {
      const value = Number(holder[field]);
      if (Number.isInteger(value) && value > 0) return value;
    }
  }
  if (!isObject(item.limits)) return undefined;
  // GitHub's catalog: limits.max_input_tokens is read above; others say context and output only.
  const short = Number(fields === CONTEXT_FIELDS ? item.limits.context : item.limits.output);
  return Number.isInteger(short) && short > 0 ? short : undefined;
}

/** What the list says of an ability, in any of the places where lists say it; undefined if it is silent. */
function hasAbility(item: Record<string, unknown>, names: readonly string[]): boolean | undefined {
  const { capabilities, supported_parameters, features, supported_features } = item;
  for (const list of [supported_parameters, features, supported_features, capabilities]) {
    if (Array.isArray(list) && list.length > 0) return names.some((name) => list.includes(name));
  }
  for (const name of names) {
    const value = isObject(capabilities) ? capabilities[name] : undefined;
    if (typeof value === 'boolean') return value;
    const flag = item[`supports_${name}`];
    if (typeof flag === 'boolean') return flag;
  }
  return undefined;
}

function acceptsImages(item: Record<string, unknown>): boolean | undefined {
  const { architecture, capabilities } = item;
  const input = isObject(architecture) ? architecture.input_modalities : (item.input_modalities ?? item.modalities);
  if (Array.isArray(input)) return input.includes('image');
  if (isObject(capabilities) && typeof capabilities.vision === 'boolean') return capabilities.vision;
  if (Array.isArray(capabilities) && capabilities.length > 0) return capabilities.includes('vision');
  return typeof item.supports_vision === 'boolean' ? item.supports_vision : undefined;
}
