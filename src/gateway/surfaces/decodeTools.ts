import type { ToolChoice, ToolDefinition } from '../../protocol/chat.js';
import { isObject, type JsonObject, RequestError } from './requestError.js';

const WRAPPER_FIELDS = new Set(['type', 'function']);
const FUNCTION_FIELDS = new Set(['name', 'description', 'parameters', 'strict']);

/**
 * Function tools in OpenAI's shape. Accepted too: no wrapper (`{ name, parameters }`, Responses), `input_schema`
 * (Anthropic), no parameters at all (an empty object schema). Tools of another type, or without a name, are dropped.
 * Definitions that are already right are passed on as they are. @throws RequestError if it is not an array.
 */
export function decodeTools(tools: unknown, param = 'tools'): ToolDefinition[] {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw new RequestError(param, `${param} must be an array`);
  const decoded: ToolDefinition[] = [];
  for (const tool of tools) {
    if (isClean(tool)) {
      decoded.push(tool);
      continue;
    }
    const made = isObject(tool) ? decodeTool(tool) : null;
    if (made) decoded.push(made);
  }
  return decoded;
}

function isClean(tool: unknown): tool is ToolDefinition {
  if (!isObject(tool) || tool.type !== 'function') return false;
  for (const field in tool) if (!WRAPPER_FIELDS.has(field)) return false;
  const made = tool.function;
  if (!isObject(made) || typeof made.name !== 'string' || made.name === '' || !isObject(made.parameters)) return false;
  for (const field in made) if (!FUNCTION_FIELDS.has(field)) return false;
  const isDescriptionRight = made.description === undefined || typeof made.description === 'string';
  return isDescriptionRight && (made.strict === undefined || made.strict === null || typeof made.strict === 'boolean');
}

function decodeTool(tool: JsonObject): ToolDefinition | null {
  if (typeof tool.type === 'string' && tool.type !== 'function') return null;
  const given = isObject(tool.function) ? tool.function : tool;
  if (typeof given.name !== 'string' || given.name === '') return null;
  const schema = given.parameters ?? given.input_schema;
  const made: ToolDefinition['function'] = {
    name: given.name,
    parameters: isObject(schema) ? schema : { type: 'object', properties: {} },
  };
  if (typeof given.description === 'string') made.description = given.description;
  if (typeof given.strict === 'boolean') made.strict = given.strict;
  return { type: 'function', function: made };
}

/** A tool choice in any of the shapes clients send (OpenAI, Responses, Anthropic, legacy `function_call`). */
export function decodeToolChoice(choice: unknown): ToolChoice | undefined {
  if (typeof choice === 'string') return namedMode(choice);
  if (!isObject(choice)) return undefined;
  const name = isObject(choice.function) ? choice.function.name : choice.name;
  if (typeof name === 'string' && name !== '') return { type: 'function', function: { name } };
  if (choice.type === 'allowed_tools') {
    const allowed = isObject(choice.allowed_tools) ? choice.allowed_tools : choice;
    return namedMode(allowed.mode);
  }
  return namedMode(choice.type);
}

function namedMode(mode: unknown): ToolChoice | undefined {
  if (mode === 'none' || mode === 'auto' || mode === 'required') return mode;
  return mode === 'any' ? 'required' : undefined;
}
