import assert from 'node:assert/strict';
import { type Answer, type Call, piecesOf, type Seen, usage } from './agentScript.js';

// biome-ignore lint/suspicious/noExplicitAny: native requests and answers of many shapes.
export type Json = any;

/** A provider's native wire, as the recordings show it. */
export interface Wire {
  name: string;
  /** Provider id, model id, and what the base URL has after the host. */
  provider: string;
  model: string;
  prefix: string;
  /** Asserts that the request is a proper one of this wire, then reads it. */
  read(path: string, body: Json): Seen;
  whole(answer: Answer): Json;
  /** The texts of the events of a stream, each with its blank line. */
  events(answer: Answer): string[];
  error(status: number): Json;
}

const data = (payload: Json) => `data: ${JSON.stringify(payload)}\n\n`;
const total = usage.prompt + usage.completion;

function imageOf(url: string): { type: string; base64: string } {
  const match = /^data:([^;]+);base64,(.+)$/.exec(url);
  assert.ok(match, 'an image comes as a data URL');
  return { type: match[1] ?? '', base64: match[2] ?? '' };
}

/** Messages in OpenAI's manner (Cohere's v2 shares it): every tool result answers a call of the turn before. */
function readMessages(messages: Json[]): Omit<Seen, 'isStream' | 'schema' | 'toolNames'> {
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  const parts = contentParts(messages[lastUser]?.content);
  const calls = new Map<string, string>();
  const results: Seen['results'] = [];
  for (const message of messages.slice(lastUser + 1)) {
    for (const call of message.tool_calls ?? []) calls.set(call.id, call.function.name);
    if (message.role !== 'tool') continue;
    const name = calls.get(message.tool_call_id);
    assert.ok(name, `a result for the unknown call ${message.tool_call_id}`);
    results.push({ name, text: textOf(message.content) });
  }
  assert.equal(results.length, calls.size, 'every call has its result');
  return {
    userText: textOf(messages[lastUser]?.content),
    system: messages
      .filter((message) => message.role === 'system')
      .map((message) => textOf(message.content))
      .join('\n'),
    images: parts.filter((part) => part.type === 'image_url').map((part) => imageOf(part.image_url.url)),
    results,
  };
}

function contentParts(content: Json): Json[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content ?? [];
}

/** Cohere takes a tool's result as documents too. */
function textOf(content: Json): string {
  return contentParts(content)
    .map((part) => part.text ?? (typeof part.document?.data === 'string' ? part.document.data : ''))
    .join('');
}

export const openAiWire: Wire = {
  name: 'an OpenAI-compatible provider',
  provider: 'groq',
  model: 'llama-3.3-70b-versatile',
  prefix: '/openai/v1',
  read(path, body) {
    assert.equal(path, '/openai/v1/chat/completions');
    assert.equal(body.model, this.model);
    return {
      ...readMessages(body.messages),
      isStream: body.stream === true,
      toolNames: (body.tools ?? []).map((tool: Json) => tool.function.name),
      schema: body.response_format?.json_schema?.schema ?? null,
    };
  },
  whole(answer) {
    const calls = answer.kind === 'calls' ? answer.calls : [];
    const message = {
      role: 'assistant',
      content: answer.kind === 'text' ? answer.text : null,
      ...(calls.length > 0 ? { tool_calls: calls.map(openAiCall) } : {}),
    };
    return {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_763_700_000,
      model: this.model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }],
      usage: { prompt_tokens: usage.prompt, completion_tokens: usage.completion, total_tokens: total },
    };
  },
  events(answer) {
    const chunk = (delta: Json, finish: string | null = null, more: Json = {}) =>
      data({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        created: 1_763_700_000,
        model: this.model,
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        ...more,
      });
    const out = [chunk({ role: 'assistant', content: answer.kind === 'calls' ? null : '' })];
    if (answer.kind === 'text') for (const piece of piecesOf(answer.text)) out.push(chunk({ content: piece }));
    if (answer.kind === 'text' && answer.isEndless) return out;
    if (answer.kind === 'calls') out.push(...openAiCallDeltas(answer.calls).map((delta) => chunk(delta)));
    out.push(chunk({}, answer.kind === 'calls' ? 'tool_calls' : 'stop'));
    const tokens = { prompt_tokens: usage.prompt, completion_tokens: usage.completion, total_tokens: total };
    out.push(chunk({}, null, { choices: [], usage: tokens }), 'data: [DONE]\n\n');
    return out;
  },
  error: () => ({ error: { message: 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' } }),
};

function openAiCall(call: Call): Json {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } };
}

/** The arguments come in pieces, those of parallel calls interleaved. */
function openAiCallDeltas(calls: readonly Call[]): Json[] {
  const opening = calls.map(({ id, name }, index) => ({
    tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
  }));
  const texts = calls.map((call) => piecesOf(JSON.stringify(call.arguments)));
  const rounds = Math.max(...texts.map((pieces) => pieces.length));
  const rest: Json[] = [];
  for (let round = 0; round < rounds; round += 1) {
    texts.forEach((pieces, index) => {
      const piece = pieces[round];
      if (piece !== undefined) rest.push({ tool_calls: [{ index, function: { arguments: piece } }] });
    });
  }
  return [...opening, ...rest];
}

const SIGNATURE = 'c2lnbmF0dXJlLW9mLXRoZS1maXJzdC1jYWxs';

export const geminiWire: Wire = {
  name: 'Gemini',
  provider: 'google',
  model: 'gemini-2.5-flash',
  prefix: '/v1beta',
  read(path, body) {
    const match = /^\/v1beta\/models\/([^:]+):(generateContent|streamGenerateContent\?alt=sse)$/.exec(path);
    assert.equal(match?.[1], this.model);
    const contents: Json[] = body.contents;
    const isQuestion = (content: Json) => content.role === 'user' && !content.parts[0]?.functionResponse;
    const lastUser = contents.findLastIndex(isQuestion);
    const parts: Json[] = contents[lastUser]?.parts ?? [];
    const turn = contents.slice(lastUser + 1);
    checkGeminiTurn(turn);
    return {
      isStream: match?.[2] !== 'generateContent',
      userText: parts.map((part) => part.text ?? '').join(''),
      system: (body.systemInstruction?.parts ?? []).map((part: Json) => part.text).join('\n'),
      images: parts
        .filter((part) => part.inlineData)
        .map(({ inlineData }) => ({ type: inlineData.mimeType, base64: inlineData.data })),
      toolNames: (body.tools ?? []).flatMap((tool: Json) =>
        (tool.functionDeclarations ?? []).map((one: Json) => one.name),
      ),
      results: turn
        .flatMap((content) => content.parts)
        .filter((part) => part.functionResponse)
        .map(({ functionResponse: one }) => ({ name: one.name, text: geminiResult(one.response) })),
      schema: body.generationConfig?.responseJsonSchema ?? body.generationConfig?.responseSchema ?? null,
    };
  },
  whole(answer) {
    return geminiAnswer(answer.kind === 'text' ? [{ text: answer.text }] : geminiCalls(answer), 'STOP');
  },
  events(answer) {
    const parts = answer.kind === 'text' ? piecesOf(answer.text).map((text) => ({ text })) : geminiCalls(answer);
    if (answer.kind === 'text' && answer.isEndless) return parts.map((part) => crlf(geminiAnswer([part], null)));
    // Each part in a chunk of its own, the last with the reason: so parallel calls were recorded.
    return parts.map((part, at) => crlf(geminiAnswer([part], at === parts.length - 1 ? 'STOP' : null)));
  },
  error: (status) => ({
    error: { code: status, message: 'Resource has been exhausted', status: 'RESOURCE_EXHAUSTED' },
  }),
};

/** Google ends lines with CR LF. */
function crlf(payload: Json): string {
  return `data: ${JSON.stringify(payload)}\r\n\r\n`;
}

function geminiCalls(answer: Answer): Json[] {
  const calls = answer.kind === 'calls' ? answer.calls : [];
  return calls.map(({ name, arguments: args }, at) => ({
    functionCall: { name, args },
    // Only the first call of a turn is signed.
    ...(at === 0 ? { thoughtSignature: SIGNATURE } : {}),
  }));
}

function geminiAnswer(parts: Json[], finish: string | null): Json {
  return {
    candidates: [{ content: { parts, role: 'model' }, index: 0, ...(finish ? { finishReason: finish } : {}) }],
    usageMetadata: { promptTokenCount: usage.prompt, candidatesTokenCount: usage.completion, totalTokenCount: total },
    modelVersion: 'gemini-2.5-flash',
    responseId: 'response-1',
  };
}

/** A finished tool turn: calls with their signature, then all results in one content, in order. */
function checkGeminiTurn(turn: Json[]): void {
  if (turn.length === 0) return;
  assert.deepEqual(
    turn.map((content) => content.role),
    ['model', 'user'],
    'one content with the calls, one with all results',
  );
  const calls = turn[0].parts.filter((part: Json) => part.functionCall);
  assert.equal(calls[0]?.thoughtSignature, SIGNATURE, 'the thought signature is back on its call');
  assert.deepEqual(
    turn[1].parts.map((part: Json) => part.functionResponse?.name),
    calls.map((part: Json) => part.functionCall.name),
  );
}

/** Plain text is wrapped, under a name of the sender's choice. */
function geminiResult(response: Record<string, unknown>): string {
  const [value] = Object.values(response);
  return typeof value === 'string' ? value : JSON.stringify(response);
}

export const cohereWire: Wire = {
  name: 'Cohere',
  provider: 'cohere',
  model: 'command-a-vision-07-2025',
  prefix: '',
  read(path, body) {
    assert.equal(path, '/v2/chat');
    assert.equal(body.model, this.model);
    const format = body.response_format;
    if (format) assert.equal(format.type, 'json_object', 'Cohere knows json_object only, with or without a schema');
    return {
      ...readMessages(body.messages),
      isStream: body.stream === true,
      toolNames: (body.tools ?? []).map((tool: Json) => tool.function.name),
      schema: format?.json_schema ?? format?.schema ?? null,
    };
  },
  whole(answer) {
    const message =
      answer.kind === 'calls'
        ? { role: 'assistant', tool_plan: 'I will look it up.', tool_calls: answer.calls.map(openAiCall) }
        : { role: 'assistant', content: [{ type: 'text', text: answer.kind === 'text' ? answer.text : '' }] };
    return {
      id: 'answer-1',
      finish_reason: answer.kind === 'calls' ? 'TOOL_CALL' : 'COMPLETE',
      message,
      usage: cohereUsage,
    };
  },
  events(answer) {
    const event = (type: string, rest: Json) => `event: ${type}\n${data({ type, ...rest })}`;
    const said = (message: Json) => ({ delta: { message } });
    const out = [
      event('message-start', { id: 'answer-1', ...said({ role: 'assistant', content: [], tool_calls: [] }) }),
    ];
    if (answer.kind === 'text') {
      out.push(event('content-start', { index: 0, ...said({ content: { type: 'text', text: '' } }) }));
      for (const text of piecesOf(answer.text))
        out.push(event('content-delta', { index: 0, ...said({ content: { text } }) }));
      if (answer.isEndless) return out;
      out.push(event('content-end', { index: 0 }));
    }
    if (answer.kind === 'calls') {
      for (const piece of piecesOf('I will look it up.'))
        out.push(event('tool-plan-delta', said({ tool_plan: piece })));
      answer.calls.forEach((call, index) => {
        const opening = { id: call.id, type: 'function', function: { name: call.name, arguments: '' } };
        out.push(event('tool-call-start', { index, ...said({ tool_calls: opening }) }));
        for (const piece of piecesOf(JSON.stringify(call.arguments))) {
          out.push(event('tool-call-delta', { index, ...said({ tool_calls: { function: { arguments: piece } } }) }));
        }
        out.push(event('tool-call-end', { index }));
      });
    }
    const reason = answer.kind === 'calls' ? 'TOOL_CALL' : 'COMPLETE';
    out.push(event('message-end', { delta: { finish_reason: reason, usage: cohereUsage } }));
    return out;
  },
  error: () => ({ message: 'trial token rate limit exceeded' }),
};

const cohereUsage = {
  billed_units: { input_tokens: 3, output_tokens: 2 },
  tokens: { input_tokens: usage.prompt, output_tokens: usage.completion },
};

export const wires: readonly Wire[] = [openAiWire, geminiWire, cohereWire];
