import { createHash } from 'node:crypto';
import type { ChatMessage, ChatRequest, ContentPart, ToolDefinition } from '../../protocol/chat.js';
import type { AdapterTarget } from './adapter.js';
import type { ParameterRules, ProviderSpec } from './spec.js';

/** The JSON body of an OpenAI-compatible chat request. */
export type OpenAiBody = Record<string, unknown>;

const NO_RULES: ParameterRules = {};
const EFFORT_ORDER = ['none', 'minimal', 'low', 'medium', 'high'];
/** Copied as they are; the others need a look. */
const PLAIN_FIELDS = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'repetition_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'user',
] as const satisfies readonly (keyof ChatRequest)[];

/**
 * The request as one provider takes it: its model id, and the provider's rules applied. Pure; parts that no rule
 * changes are shared with `request`, so the result is for reading (JSON.stringify), not for changing.
 */
export function applyRules(
  request: ChatRequest,
  spec: ProviderSpec,
  target: Pick<AdapterTarget, 'modelId' | 'maxOutput' | 'reasoning'>,
): OpenAiBody {
  const rules = spec.rules ?? NO_RULES;
  const body: OpenAiBody = { model: target.modelId, messages: shapeMessages(request.messages, rules, target.modelId) };
  if (request.stream) {
    body.stream = true;
    // Without it most providers count nothing on streams; the client sees the usage only if it asked.
    if (!rules.noStreamOptions) body.stream_options = { include_usage: true };
  }
  for (const field of PLAIN_FIELDS) {
    const value = request[field];
    if (value !== undefined) body[field] = value;
  }
  const maxTokens = shapeMaxTokens(request.max_tokens, rules, target.maxOutput);
  if (maxTokens !== undefined) body.max_tokens = maxTokens;
  if (request.stop !== undefined && request.stop.length > 0) {
    body.stop = request.stop.length > 4 ? request.stop.slice(0, 4) : request.stop;
  }
  addTools(body, request, rules);
  addResponseFormat(body, request, rules);
  if (request.reasoning_effort !== undefined && target.reasoning !== false) {
    const effort = mapEffort(request.reasoning_effort, effortsFor(rules, target.modelId));
    if (effort !== undefined) body.reasoning_effort = effort;
  }
  if (request.extra !== undefined && !rules.strict) {
    for (const field in request.extra) {
      // Fields we know have been decided on above; an unknown field never overrides them.
      if (!(field in body) && request.extra[field] !== undefined) body[field] = request.extra[field];
    }
  }
  if (rules !== NO_RULES) finishFields(body, rules, target.modelId);
  return body;
}

/** Drops, renames and the quirks of single models. */
function finishFields(body: OpenAiBody, rules: ParameterRules, modelId: string): void {
  if (rules.drop) for (const field of rules.drop) delete body[field];
  for (const field in rules.rename) {
    if (!(field in body)) continue;
    body[rules.rename[field]!] = body[field];
    delete body[field];
  }
  for (const quirk of rules.modelQuirks ?? []) {
    if (!quirk.match.test(modelId)) continue;
    for (const field in quirk.omit) if (body[field] === quirk.omit[field]) delete body[field];
    for (const field in quirk.add) if (!(field in body)) body[field] = quirk.add[field];
  }
}

function shapeMaxTokens(
  asked: number | undefined,
  rules: ParameterRules,
  maxOutput: number | undefined,
): number | undefined {
  let value = asked ?? rules.defaultMaxTokens;
  if (value === undefined) return undefined;
  if (maxOutput !== undefined && value > maxOutput) value = maxOutput;
  if (rules.maxTokensCap !== undefined && value > rules.maxTokensCap) value = rules.maxTokensCap;
  if (rules.minMaxTokens !== undefined && value < rules.minMaxTokens) value = rules.minMaxTokens;
  return value;
}

function addTools(body: OpenAiBody, request: ChatRequest, rules: ParameterRules): void {
  // Without tools the two companions are refused by OpenAI and many others.
  if (request.tools === undefined || request.tools.length === 0) return;
  body.tools = request.tools.map((tool) => shapeTool(tool, rules));
  if (request.tool_choice !== undefined) body.tool_choice = request.tool_choice;
  if (rules.singleToolCall) body.parallel_tool_calls = false;
  else if (request.parallel_tool_calls !== undefined) body.parallel_tool_calls = request.parallel_tool_calls;
}

function shapeTool(tool: ToolDefinition, rules: ParameterRules): ToolDefinition {
  const { parameters } = tool.function;
  if (parameters === undefined) {
    return { ...tool, function: { ...tool.function, parameters: { type: 'object', properties: {} } } };
  }
  if (rules.stripSchemaKeys === undefined) return tool;
  const stripped = stripSchemaKeys(parameters, rules.stripSchemaKeys) as Record<string, unknown>;
  return { ...tool, function: { ...tool.function, parameters: stripped } };
}

/**
 * A JSON schema without some keywords, at every depth. Names of properties are no keywords: a property called
 * `additionalProperties` stays.
 */
export function stripSchemaKeys(schema: unknown, keys: readonly string[], isMap = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => stripSchemaKeys(item, keys));
  if (typeof schema !== 'object' || schema === null) return schema;
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (!isMap && keys.includes(name)) continue;
    // Values, not schemas.
    if (!isMap && (name === 'enum' || name === 'const' || name === 'default' || name === 'examples')) {
      result[name] = value;
    } else {
      const isNameMap = !isMap && (name === 'properties' || name === '$defs' || name === 'definitions');
      result[name] = stripSchemaKeys(value, keys, isNameMap);
    }
  }
  return result;
}

function addResponseFormat(body: OpenAiBody, request: ChatRequest, rules: ParameterRules): void {
  const format = request.response_format;
  // `text` is the default, and some providers refuse to hear it.
  if (format === undefined || format.type === 'text') return;
  if (format.type === 'json_object' && rules.jsonObjectAsSchema) {
    // Reka answers 503 to a bare {type: object}.
    const schema = { type: 'object', properties: {}, additionalProperties: true };
    body.response_format = { type: 'json_schema', json_schema: { name: 'answer', schema } };
    return;
  }
  body.response_format = format;
}

function effortsFor(rules: ParameterRules, modelId: string): readonly string[] | undefined {
  for (const entry of rules.effortsByModel ?? []) if (entry.match.test(modelId)) return entry.efforts;
  return rules.efforts;
}

/**
 * The provider's level nearest to the asked one, the lower of two equally near; undefined where it takes none.
 * `default` in a provider's set stands for any level that reasons.
 */
export function mapEffort(asked: string, taken: readonly string[] | undefined): string | undefined {
  if (taken === undefined || taken.includes(asked)) return asked;
  if (asked !== 'none' && taken.includes('default')) return 'default';
  const wanted = EFFORT_ORDER.indexOf(asked);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const level of EFFORT_ORDER) {
    const distance = Math.abs(EFFORT_ORDER.indexOf(level) - wanted);
    if (taken.includes(level) && distance < bestDistance) {
      best = level;
      bestDistance = distance;
    }
  }
  return best;
}

/** The same array when nothing has to change, which is the usual case. */
function shapeMessages(messages: ChatMessage[], rules: ParameterRules, modelId: string): unknown[] {
  const fill = rules.reasoningHistory === 'keep' && rules.fillReasoning?.test(modelId) === true;
  const last = messages.length - 1;
  const endsInAssistant = rules.assistantPrefix === true && messages[last]?.role === 'assistant';
  let shaped: unknown[] | undefined;
  for (let i = 0; i < messages.length; i += 1) {
    const message = messages[i]!;
    const isPrefix = endsInAssistant && i === last;
    if (!isPrefix && !needsShaping(message, rules, fill)) continue;
    shaped ??= messages.slice();
    shaped[i] = shapeMessage(message, rules, fill, isPrefix);
  }
  return shaped ?? messages;
}

function needsShaping(message: ChatMessage, rules: ParameterRules, fill: boolean): boolean {
  if (rules.strict) return true;
  if (message.reasoning_content !== undefined ? rules.reasoningHistory !== 'keep' : fill) return true;
  if (rules.noNames && message.name !== undefined) return true;
  if (rules.flattenContent && typeof message.content !== 'string') return true;
  if (rules.shortToolIds && message.tool_call_id !== undefined) return true;
  if (message.tool_calls === undefined) return false;
  return rules.shortToolIds === true || message.tool_calls.some((call) => call.extra_content !== undefined);
}

function shapeMessage(message: ChatMessage, rules: ParameterRules, fill: boolean, isPrefix: boolean): unknown {
  const { role, content, name, tool_calls, tool_call_id, reasoning_content, ...others } = message;
  const id = (value: string): string => (rules.shortToolIds ? shortToolId(value) : value);
  return {
    role,
    content: rules.flattenContent ? flattenContent(content) : content,
    ...(name !== undefined && !rules.noNames && { name }),
    ...(tool_calls !== undefined && {
      tool_calls: tool_calls.map((call) => ({
        id: id(call.id),
        type: 'function',
        function: { name: call.function.name, arguments: call.function.arguments },
      })),
    }),
    ...(tool_call_id !== undefined && { tool_call_id: id(tool_call_id) }),
    ...(rules.reasoningHistory === 'keep' &&
      (reasoning_content !== undefined || (fill && role === 'assistant')) && {
        reasoning_content: reasoning_content ?? '',
      }),
    ...(isPrefix && { prefix: true }),
    ...(!rules.strict && others),
  };
}

/** Text parts joined by newlines, other parts lost; null becomes the empty string. */
export function flattenContent(content: string | ContentPart[] | null): string {
  if (content === null) return '';
  if (typeof content === 'string') return content;
  return content
    .filter((part) => part.type === 'text')
    .map((part) => part.text)
    .join('\n');
}

/** Mistral takes `[a-zA-Z0-9]{9}` only. Stable, so that a call and its result still belong together. */
function shortToolId(id: string): string {
  if (/^[a-zA-Z0-9]{9}$/.test(id)) return id;
  return createHash('sha256').update(id).digest('hex').slice(0, 9);
}
