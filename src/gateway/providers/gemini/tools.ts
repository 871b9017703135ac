import type { ChatRequest, ToolDefinition } from '../../../protocol/chat.js';
import type { ModelTraits } from './models.js';
import { toGeminiSchema } from './schema.js';
import type { JsonObject } from './wire.js';

const searchTools = new Set(['google_search', 'googlesearch', 'google_search_retrieval']);

/** Tools that the client itself runs; the others are Google's own search under any of its names. */
export function clientTools(request: ChatRequest): ToolDefinition[] {
  return (request.tools ?? []).filter((tool) => !searchTools.has(tool.function.name.toLowerCase()));
}

/** `tools` and `toolConfig` of the request body; empty when the request has no tools. */
export function encodeTools(request: ChatRequest, traits: ModelTraits): JsonObject {
  const functions = clientTools(request);
  const hasSearch = functions.length < (request.tools?.length ?? 0);
  const tools: JsonObject[] = [];
  if (functions.length > 0) tools.push({ functionDeclarations: functions.map(declare) });
  if (hasSearch) tools.push({ google_search: {} });
  if (tools.length === 0) return {};
  const config: JsonObject = {};
  if (functions.length > 0 && request.tool_choice !== undefined) {
    config.functionCallingConfig = callingConfig(request.tool_choice);
  }
  // Gemini 3 takes search and functions together only when told to (https://ai.google.dev/gemini-api/docs/tool-combination).
  if (functions.length > 0 && hasSearch && traits.isGemini3) config.includeServerSideToolInvocations = true;
  return { tools, ...(Object.keys(config).length > 0 && { toolConfig: config }) };
}

function declare(tool: ToolDefinition): JsonObject {
  const { name, description, parameters } = tool.function;
  const schema = parameters && toGeminiSchema(parameters);
  // A function without parameters must have no schema at all: an empty object is refused by older models.
  const hasParameters = schema !== undefined && (schema.properties !== undefined || schema.anyOf !== undefined);
  return { name, ...(description && { description }), ...(hasParameters && { parameters: schema }) };
}

function callingConfig(choice: NonNullable<ChatRequest['tool_choice']>): JsonObject {
  if (typeof choice === 'object') return { mode: 'ANY', allowedFunctionNames: [choice.function.name] };
  return { mode: { none: 'NONE', auto: 'AUTO', required: 'ANY' }[choice] };
}
