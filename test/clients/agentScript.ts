import { createHash } from 'node:crypto';

/** What a model was asked, read from whichever wire it came on. */
export interface Seen {
  isStream: boolean;
  /** The last message that a user wrote. */
  userText: string;
  system: string;
  /** Images of the last user message. */
  images: { type: string; base64: string }[];
  toolNames: string[];
  /** Results of tools after the last user message, in order. */
  results: { name: string; text: string }[];
  /** The schema that the answer has to follow. */
  schema: Record<string, unknown> | null;
}

export interface Call {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
}

/** What the scripted model says. `isEndless`: the text begins and the answer never ends. */
export type Answer =
  | { kind: 'text'; text: string; isEndless?: boolean }
  | { kind: 'calls'; calls: Call[] }
  | { kind: 'error'; status: number };

/** The schema that the clients ask for, and the answer that fits it. */
export const answerSchema = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'number' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
};
export const schemaAnswer = { city: 'Paris', degrees: 21 };

/** A one-pixel PNG. */
export const pngBase64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What the model says about an image, so that the client can tell whether its bytes arrived. */
export function imageAnswer(type: string, base64: string): string {
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex').slice(0, 12);
  return `I see ${type} ${digest}`;
}

export const helloAnswer = 'Hello there, naïve friend 🙂.';

/**
 * A small scripted agent: with tools offered it asks for the weather (of two cities at once when told "both"), tells
 * what the tools said, describes images, answers in the schema, never ends when told "endless", fails when told so.
 */
export function decide(seen: Seen): Answer {
  if (/please fail/.test(seen.userText)) return { kind: 'error', status: 429 };
  if (/endless/.test(seen.userText)) return { kind: 'text', text: 'Once upon a time', isEndless: true };
  if (seen.results.length > 0) {
    return { kind: 'text', text: seen.results.map((result) => `${result.name}: ${result.text}`).join('; ') };
  }
  const tool = seen.toolNames.find((name) => name === 'get_weather');
  if (tool) {
    const cities = /both/.test(seen.userText) ? ['Paris', 'Oslo'] : ['Paris'];
    return {
      kind: 'calls',
      calls: cities.map((city, at) => ({ id: `call_${at}_${city}`, name: tool, arguments: { city } })),
    };
  }
  const [image] = seen.images;
  if (image) return { kind: 'text', text: imageAnswer(image.type, image.base64) };
  if (seen.schema) return { kind: 'text', text: JSON.stringify(schemaAnswer) };
  return { kind: 'text', text: helloAnswer };
}

/** The tool that the clients offer. */
export const weatherTool = {
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', description: 'Name of the city' } },
    required: ['city'],
    additionalProperties: false,
  },
};

/** What that tool answers. */
export function weatherIn(city: string): string {
  return city === 'Oslo' ? '4 degrees' : '21 degrees';
}

/** Pieces of a few characters, surrogate pairs whole, as a stream brings them. */
export function piecesOf(text: string): string[] {
  const characters = [...text];
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += 5) pieces.push(characters.slice(at, at + 5).join(''));
  return pieces;
}

export const usage = { prompt: 31, completion: 9 };
