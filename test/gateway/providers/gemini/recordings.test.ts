import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DecodedEvent } from '../../../../src/gateway/providers/adapter.js';
import { createGeminiAdapter } from '../../../../src/gateway/providers/gemini/adapter.js';
import { chatRequest, foldEvents, target } from './support.js';

/** Real answers; see FREELLM_RECORDINGS in CONTRIBUTING. */
const folder = join(resolve(process.env.FREELLM_RECORDINGS ?? '../shared/recordings'), 'google');

interface Exchange {
  name: string;
  body: string;
}

/** What an answer says, read from the wire with nothing of ours. */
interface Extract {
  text: string;
  reasoning: string;
  calls: { name: string; args: unknown }[];
  finish: string;
  usage: number[];
}

describe('gemini adapter: recordings', () => {
  it('decodes every recorded answer as an independent reading of it does', function () {
    if (!existsSync(folder)) {
      console.log(`      no recordings at ${folder}: set FREELLM_RECORDINGS`);
      this.skip();
    }
    const exchanges = load();
    assert.ok(exchanges.length > 150, `${exchanges.length} exchanges`);
    for (const { name, body } of exchanges) {
      const isStream = body.trimStart().startsWith('data:');
      const decoded = isStream ? decodeStream(body, name) : decodeBody(body, name);
      assert.deepEqual(decoded, extract(body, isStream), name);
    }
  });

  it('streams arguments in pieces before they are complete', function () {
    const path = join(folder, 'vercel.google-vertex-stream-tool-call-arguments-nested.1.chunks.json');
    if (!existsSync(path)) this.skip();
    const { interactions } = JSON.parse(readFileSync(path, 'utf8')) as {
      interactions: { response: { body: string } }[];
    };
    const events = streamEvents(interactions[0]?.response.body ?? '');
    const pieces = events.filter((event) => event.type === 'chunk' && event.chunk.choices?.[0]?.delta?.tool_calls);
    assert.ok(pieces.length > 30, `${pieces.length} pieces`);
  });

  it('never finishes a recorded stream whose end is missing', function () {
    if (!existsSync(folder)) this.skip();
    for (const { name, body } of load().filter((one) => one.body.trimStart().startsWith('data:'))) {
      const lines = body.split(/\r?\n/).filter((line) => line.startsWith('data:') && !line.includes('"finishReason"'));
      const events = streamEvents(lines.join('\n\n'));
      assert.ok(!events.some((event) => event.type === 'done'), name);
      assert.equal(foldEvents(events).finish, null, name);
    }
  });
});

function load(): Exchange[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file) => {
      const recording = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
        interactions: { request: { uri?: string | null }; response: { status: number; body: string } }[];
      };
      return recording.interactions
        .filter(({ request, response }) => response.status === 200 && isChat(request.uri))
        .map(({ response }, index) => ({ name: `${file} #${index}`, body: response.body }));
    });
}

/** Recordings without a URL are chats; embeddings, uploads, file stores, token counts and cached contents are not. */
function isChat(uri: string | null | undefined): boolean {
  return !uri || /:(?:generateContent|streamGenerateContent)\b/.test(uri);
}

function streamEvents(body: string): DecodedEvent[] {
  const decoder = createGeminiAdapter().createStreamDecoder(chatRequest(), target());
  const lines = body.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  const events = lines.flatMap((line) => decoder.decode({ event: undefined, data: line.slice(5).trim() }));
  return [...events, ...decoder.end()];
}

function decodeStream(body: string, name: string): Extract {
  const events = streamEvents(body);
  assert.equal(events.at(-1)?.type, 'done', name);
  const { text, reasoning, calls, finish, usage } = foldEvents(events);
  assert.equal(new Set(calls.map((call) => call.id)).size, calls.length, `${name}: unique ids`);
  return {
    text,
    reasoning,
    calls: calls.map((call) => ({ name: call.name, args: JSON.parse(call.args) as unknown })),
    finish: finish ?? '',
    usage: usageNumbers(usage),
  };
}

function decodeBody(body: string, name: string): Extract {
  const decoded = createGeminiAdapter().decodeBody(body, chatRequest(), target());
  assert.equal(decoded.type, 'completion', name);
  assert.ok(decoded.type === 'completion');
  const choice = decoded.completion.choices?.[0];
  const calls = (choice?.message?.tool_calls ?? []) as { function: { name: string; arguments: string } }[];
  return {
    text: String(choice?.message?.content ?? ''),
    reasoning: String(choice?.message?.reasoning_content ?? ''),
    calls: calls.map((call) => ({ name: call.function.name, args: JSON.parse(call.function.arguments) as unknown })),
    finish: String(choice?.finish_reason),
    usage: usageNumbers(decoded.completion.usage),
  };
}

function usageNumbers(usage: unknown): number[] {
  const { prompt_tokens, completion_tokens, total_tokens } = usage as Record<string, number>;
  return [prompt_tokens ?? -1, completion_tokens ?? -1, total_tokens ?? -1];
}

interface WirePart {
  text?: string;
  thought?: boolean;
  functionCall?: { name?: string; args?: unknown; partialArgs?: WirePartial[] };
}
interface WirePartial {
  jsonPath: string;
  stringValue?: string;
  numberValue?: number;
}

function extract(body: string, isStream: boolean): Extract {
  const frames = isStream ? body.split(/\r?\n/).filter((line) => line.startsWith('data:')) : [body];
  const found: Extract = { text: '', reasoning: '', calls: [], finish: '', usage: [] };
  let reason = '';
  for (const frame of frames) {
    const response = JSON.parse(isStream ? frame.slice(5) : frame);
    const candidate = response.candidates?.[0];
    for (const part of (candidate?.content?.parts ?? []) as WirePart[]) {
      if (part.thought) found.reasoning += part.text ?? '';
      else found.text += part.text ?? '';
      if (part.functionCall) extractCall(found.calls, part.functionCall);
    }
    reason = candidate?.finishReason ?? reason;
    const meta = response.usageMetadata;
    const prompt = meta.promptTokenCount + (meta.toolUsePromptTokenCount ?? 0);
    found.usage = [prompt, (meta.candidatesTokenCount ?? 0) + (meta.thoughtsTokenCount ?? 0), meta.totalTokenCount];
  }
  found.finish = reason === 'SAFETY' ? 'content_filter' : found.calls.length > 0 ? 'tool_calls' : 'stop';
  return found;
}

function extractCall(calls: Extract['calls'], call: NonNullable<WirePart['functionCall']>): void {
  if (call.name) calls.push({ name: call.name, args: call.args ?? {} });
  for (const partial of call.partialArgs ?? []) {
    const keys = partial.jsonPath.match(/[^$.[\]]+/g) ?? [];
    const last = keys.pop() as string;
    let node = calls.at(-1)?.args as Record<string, unknown>;
    for (const [at, key] of keys.entries()) {
      node[key] ??= /^\d+$/.test(keys[at + 1] ?? last) ? [] : {};
      node = node[key] as Record<string, unknown>;
    }
    if (partial.numberValue !== undefined) node[last] = partial.numberValue;
    else node[last] = `${(node[last] as string | undefined) ?? ''}${partial.stringValue}`;
  }
}
