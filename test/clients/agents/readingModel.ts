import type { Handler } from '../../support/provider.js';
import { chatCompletion, errorStatus } from '../../support/provider.js';

// biome-ignore lint/suspicious/noExplicitAny: agents send what they like.
type Json = any;

/** A secret word that only the file holds: an agent can tell it only after reading. */
export const secretWord = 'PELICAN-42';
export const fileText = `The secret word is ${secretWord}.\n`;
export const question = 'Read note.txt and tell me the secret word.';

/**
 * A model that reads a file: asks for it through whatever tool the agent offers for that, then says the secret word it
 * found in the result. `onResult` answers the request that brings the result instead, where given (a 429).
 */
export function readingModel(file: string, onResult?: Handler): Handler {
  return (request, response, n) => {
    const messages: Json[] = request.body.messages;
    const result = messages.findLast((message) => message.role === 'tool');
    if (result) {
      if (onResult) return onResult(request, response, n);
      const word = /PELICAN-\d+/.exec(JSON.stringify(result.content))?.[0] ?? 'nowhere to be found';
      return chatCompletion({ text: `The secret word is ${word}.` })(request, response, n);
    }
    const tool = readTool(request.body.tools ?? []);
    // Agents may ask for a title or a summary, without tools.
    if (!tool) return chatCompletion({ text: 'A short title' })(request, response, n);
    const call = { id: 'call_read_1', name: tool.name, arguments: JSON.stringify(argumentsFor(tool, file)) };
    return chatCompletion({ toolCalls: [call] })(request, response, n);
  };
}

/** A rate limit that lasts longer than the test. */
export const rateLimited: Handler = errorStatus(429, 'Rate limit reached for requests', { 'retry-after': '300' });

/** The tool that reads files: `Read` of cn, `read_files` of cline. */
function readTool(tools: Json[]): Json {
  return tools.map((tool) => tool.function).find((tool) => /^read(?:_?files?)?$/i.test(tool.name));
}

/** What its schema requires: every path in it is the file's. */
function argumentsFor(tool: Json, file: string): Json {
  const { properties, required } = tool.parameters;
  const names: string[] = required ?? Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, valueFor(properties[name], file)]));
}

function valueFor(schema: Json, file: string): Json {
  if (schema.type === 'array') return [valueFor(schema.items, file)];
  if (schema.type !== 'object') return file;
  const names: string[] = schema.required ?? Object.keys(schema.properties);
  return Object.fromEntries(names.map((name) => [name, valueFor(schema.properties[name], file)]));
}
