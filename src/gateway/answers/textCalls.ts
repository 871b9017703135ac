import type { ToolDefinition } from '../../protocol/chat.js';
import { isRecord } from '../surfaces/looseParts.js';
import { parseJson } from './jsonScanner.js';
import { childSchema, kindsOf } from './schemaKinds.js';

/** A tool call that a model wrote as text. */
export interface TextCall {
  name: string;
  /** JSON text of an object. */
  arguments: string;
}

/** The tools that a request offers: only these can be called. */
export class OfferedTools {
  private readonly byName: Map<string, Record<string, unknown> | undefined>;

  constructor(tools: readonly ToolDefinition[]) {
    this.byName = new Map(tools.map((tool) => [tool.function.name, tool.function.parameters]));
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** Whether a name that is still coming can become one of theirs. */
  canBecome(start: string): boolean {
    for (const name of this.byName.keys()) if (name.startsWith(start)) return true;
    return false;
  }

  /** The JSON of arguments that came as bare text, each read as the tool's schema says. */
  argumentsOf(name: string, values: readonly (readonly [key: string, text: string])[]): string {
    const schema = this.byName.get(name);
    return JSON.stringify(Object.fromEntries(values.map(([key, text]) => [key, typed(text, schema, key)])));
  }
}

/** The calls in a parsed JSON value, `{"name", "arguments"|"parameters"}` alone or several; null if it is anything else. */
export function callsInJson(value: unknown): TextCall[] | null {
  const list = isRecord(value) && Array.isArray(value['tool_calls']) ? (value['tool_calls'] as unknown[]) : value;
  const calls = (Array.isArray(list) ? list : [list]).map(toCall);
  return calls.length > 0 && calls.every((call) => call !== null) ? calls : null;
}

/** Whether a parsed value is a call, or several, and says nothing else: then it is no answer of its own. */
export function hasOnlyCallKeys(value: unknown): boolean {
  const items = Array.isArray(value) ? (value as unknown[]) : [value];
  return items.every((item) => {
    if (!isRecord(item)) return false;
    const body = isRecord(item['function']) ? item['function'] : item;
    return (
      Object.keys(item).every((key) => CALL_KEYS.has(key)) &&
      (body['arguments'] !== undefined || body['parameters'] !== undefined)
    );
  });
}

/** Whether a text is a JSON object. */
export function isJsonObject(text: string): boolean {
  return isRecord(parseJson(text));
}

function toCall(item: unknown): TextCall | null {
  if (!isRecord(item)) return null;
  const source = isRecord(item['function']) ? item['function'] : item;
  const { name } = source;
  if (typeof name !== 'string') return null;
  const args = source['arguments'] ?? source['parameters'] ?? {};
  if (isRecord(args)) return { name, arguments: JSON.stringify(args) };
  return typeof args === 'string' && isJsonObject(args) ? { name, arguments: args } : null;
}

const CALL_KEYS = new Set(['name', 'arguments', 'parameters', 'type', 'function', 'id']);
const PYTHON_WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

function typed(text: string, schema: unknown, key: string): unknown {
  // The tags stand on lines of their own around the value.
  const value = text.replace(/^\r?\n/, '').replace(/\r?\n$/, '');
  const wanted = childSchema(schema, schema, key);
  if (wanted === undefined || kindsOf(wanted, schema).string) return value;
  const word = value.trim();
  if (Object.hasOwn(PYTHON_WORDS, word)) return PYTHON_WORDS[word];
  const parsed = parseJson(word);
  return parsed === undefined ? value : parsed;
}
