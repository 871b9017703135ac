import { errorWords } from '../errorWords.js';
import { t } from '../l10n.js';

/** A tool as a request has it. */
export interface ToolText {
  type: 'function';
  function: { name: string; description?: string; parameters?: Record<string, unknown> };
}

/** What the field of tool definitions says: tools, or what is wrong with it, in words. */
export type ToolsReading = { tools: ToolText[]; problem: null } | { tools: null; problem: string };

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Tool definitions: a list, or one alone, each as OpenAI has them or only its `function` part (`{ "name", … }`), as people
 * paste them. Empty is none.
 */
export function readTools(text: string): ToolsReading {
  if (text.trim() === '') return { tools: [], problem: null };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return no(t('This is not JSON: {0}', errorWords(error)));
  }
  const tools: ToolText[] = [];
  for (const [index, item] of (Array.isArray(value) ? value : [value]).entries()) {
    const tool = readTool(item, index + 1);
    if (typeof tool === 'string') return no(tool);
    if (tools.some((other) => other.function.name === tool.function.name))
      return no(t('Two tools are named {0}.', tool.function.name));
    tools.push(tool);
  }
  return { tools, problem: null };
}

function readTool(item: unknown, number: number): ToolText | string {
  if (!isObject(item)) return t('Tool {0}: expected an object.', number);
  if ('type' in item && item['type'] !== 'function' && 'function' in item)
    return t('Tool {0}: its type must be “function”.', number);
  const given = 'function' in item ? item['function'] : item;
  if (!isObject(given)) return t('Tool {0}: “function” must be an object.', number);
  const { name, description, parameters } = given;
  if (typeof name !== 'string' || !NAME.test(name))
    return t('Tool {0}: it needs a name of letters, digits, _ and -.', number);
  if (description !== undefined && typeof description !== 'string')
    return t('Tool {0}: its description must be text.', number);
  if (parameters !== undefined && (!isObject(parameters) || (parameters['type'] ?? 'object') !== 'object'))
    return t('Tool {0}: its parameters must be a JSON schema of type “object”.', number);
  return {
    type: 'function',
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function no(problem: string): ToolsReading {
  return { tools: null, problem };
}

/** For the field while it is empty: how a tool looks. */
export const EXAMPLE_TOOL = `[
  {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
      "type": "object",
      "properties": { "city": { "type": "string" } },
      "required": ["city"]
    }
  }
]`;

/** A call's arguments, indented where they are JSON. */
export function prettyArguments(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
