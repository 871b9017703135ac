/**
 * What a recorded answer says, read independently of the gateway: nothing of src/gateway is imported here, so that a
 * mistake there cannot hide behind the same mistake here.
 */

export interface SaidCall {
  name: string;
  arguments: unknown;
}

export interface SaidUsage {
  prompt: number;
  completion: number;
  total: number;
  reasoning?: number;
  cached?: number;
}

/** An answer in the terms both sides are compared in. */
export interface Said {
  text: string;
  reasoning: string;
  calls: SaidCall[];
  /** OpenAI's words; null when the answer broke off. */
  finish: string | null;
  /** null when the provider did not report any. */
  usage: SaidUsage | null;
  /** The message of an error inside a 200. */
  error: string | null;
}

// biome-ignore lint/suspicious/noExplicitAny: recorded JSON of many shapes.
type Json = any;

/** The `data` payloads of an event stream, CR LF or LF, `[DONE]` left out. */
export function payloadsOf(body: string): Json[] {
  const payloads: Json[] = [];
  for (const block of body.replaceAll('\r\n', '\n').split('\n\n')) {
    const data = block
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).trimStart())
      .join('\n');
    if (data !== '' && data !== '[DONE]') payloads.push(JSON.parse(data));
  }
  return payloads;
}

/** What an answer of an OpenAI-compatible provider says. */
export function extractOpenAi(body: string, isStream: boolean): Said {
  const said = nothing();
  const calls: { name: string; text: string }[] = [];
  for (const payload of isStream ? payloadsOf(body) : [JSON.parse(body)]) {
    if (payload.error) said.error = payload.error.message;
    const choice = payload.choices?.[0];
    const message = choice?.message ?? choice?.delta ?? {};
    takeContent(message.content, said);
    said.reasoning += message.reasoning_content ?? message.reasoning ?? '';
    (message.tool_calls ?? []).forEach((call: Json, position: number) => {
      const index = call.index ?? position;
      // Non-streamed calls of some providers all say index 0; there the position counts.
      const at = isStream ? index : position;
      calls[at] ??= { name: '', text: '' };
      calls[at].name ||= call.function.name ?? '';
      calls[at].text += call.function.arguments ?? '';
    });
    if (choice?.finish_reason) said.finish = choice.finish_reason;
    if (payload.usage) said.usage = openAiUsage(payload.usage);
  }
  said.calls = calls.map(({ name, text }) => ({ name, arguments: parseArguments(text) }));
  return finished(openThink(said));
}

/** Content is text, or parts: Mistral's magistral answers with `thinking` and `text`. */
function takeContent(content: Json, said: Said): void {
  if (typeof content === 'string') said.text += content;
  else if (Array.isArray(content)) {
    for (const part of content) {
      if (part.type === 'text') said.text += part.text;
      else if (part.type === 'thinking') {
        said.reasoning +=
          typeof part.thinking === 'string' ? part.thinking : part.thinking.map((one: Json) => one.text).join('');
      }
    }
  }
}

function openAiUsage(usage: Json): SaidUsage {
  const out: SaidUsage = {
    prompt: usage.prompt_tokens,
    completion: usage.completion_tokens,
    total: usage.total_tokens,
  };
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  const cached = usage.prompt_tokens_details?.cached_tokens;
  if (typeof reasoning === 'number') out.reasoning = reasoning;
  if (typeof cached === 'number') out.cached = cached;
  return out;
}

/**
 * `<think>…</think>` that opens a message is reasoning; so is an opening that a token limit cut off before its end.
 * Blank space around it belongs to neither.
 */
function openThink(said: Said): Said {
  const match = /^\s*<think>([\s\S]*?)(?:<\/think>\s*([\s\S]*)|$)$/.exec(said.text);
  if (!match) return said;
  return { ...said, reasoning: (said.reasoning + match[1]).trim(), text: match[2] ?? '' };
}

/** What an answer of Gemini's generateContent or streamGenerateContent says. */
export function extractGemini(body: string, isStream: boolean): Said {
  const said = nothing();
  let open: { name: string; arguments: Json } | null = null;
  let finish: string | null = null;
  for (const payload of isStream ? payloadsOf(body) : [JSON.parse(body)]) {
    const candidate = payload.candidates?.[0];
    for (const part of candidate?.content?.parts ?? []) {
      if (typeof part.text === 'string') {
        if (part.thought === true) said.reasoning += part.text;
        else said.text += part.text;
      }
      const call = part.functionCall;
      if (call === undefined) continue;
      if (call.name) {
        open = { name: call.name, arguments: call.args ?? {} };
        said.calls.push(open);
      }
      for (const partial of call.partialArgs ?? []) if (open) placePartial(open.arguments, partial);
    }
    if (candidate?.finishReason) finish = candidate.finishReason;
    if (payload.usageMetadata?.totalTokenCount !== undefined) said.usage = geminiUsage(payload.usageMetadata);
  }
  said.finish = finish === null ? null : geminiFinish(finish);
  return finished(said);
}

/** `partialArgs`: strings come in pieces, other values whole; the path is a JSON path like `$.items[0].name`. */
function placePartial(root: Json, partial: Json): void {
  const steps = [...String(partial.jsonPath).matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]/g)].map((match) =>
    match[2] === undefined ? (match[1] ?? match[3] ?? '') : Number(match[2]),
  );
  const last = steps.pop();
  if (last === undefined) throw new Error(`unreadable path ${partial.jsonPath}`);
  let holder = root;
  steps.forEach((step, at) => {
    const next = steps[at + 1] ?? last;
    holder[step] ??= typeof next === 'number' ? [] : {};
    holder = holder[step];
  });
  if ('stringValue' in partial) holder[last] = (holder[last] ?? '') + partial.stringValue;
  else if ('numberValue' in partial) holder[last] = partial.numberValue;
  else if ('boolValue' in partial) holder[last] = partial.boolValue;
  else if ('nullValue' in partial) holder[last] = null;
  else throw new Error(`a partial argument without a value: ${JSON.stringify(partial)}`);
}

/** Thoughts are part of the completion; what tools read into the prompt is part of the prompt. */
function geminiUsage(usage: Json): SaidUsage {
  const out: SaidUsage = {
    prompt: (usage.promptTokenCount ?? 0) + (usage.toolUsePromptTokenCount ?? 0),
    completion: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
    total: usage.totalTokenCount,
  };
  if (usage.thoughtsTokenCount) out.reasoning = usage.thoughtsTokenCount;
  if (usage.cachedContentTokenCount) out.cached = usage.cachedContentTokenCount;
  return out;
}

/** https://ai.google.dev/api/generate-content#FinishReason */
function geminiFinish(reason: string): string {
  if (reason === 'STOP') return 'stop';
  if (reason === 'MAX_TOKENS') return 'length';
  if (['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII'].includes(reason)) return 'content_filter';
  throw new Error(`a finish reason this test does not know: ${reason}`);
}

/** What an answer of Cohere's v2 chat says. */
export function extractCohere(body: string, isStream: boolean): Said {
  return isStream ? extractCohereStream(body) : extractCohereBody(JSON.parse(body));
}

function extractCohereBody(answer: Json): Said {
  const said = nothing();
  said.reasoning += answer.message.tool_plan ?? '';
  for (const part of answer.message.content ?? []) {
    if (part.type === 'text') said.text += part.text;
    else if (part.type === 'thinking') said.reasoning += part.thinking;
  }
  said.calls = (answer.message.tool_calls ?? []).map((call: Json) => ({
    name: call.function.name,
    arguments: parseArguments(call.function.arguments),
  }));
  said.finish = cohereFinish(answer.finish_reason);
  said.usage = cohereUsage(answer.usage);
  return finished(said);
}

function extractCohereStream(body: string): Said {
  const said = nothing();
  const calls: { name: string; text: string }[] = [];
  for (const event of payloadsOf(body)) {
    const message = event.delta?.message;
    if (event.type === 'tool-plan-delta') said.reasoning += message.tool_plan;
    else if (event.type === 'content-start' || event.type === 'content-delta') {
      said.text += message.content.text ?? '';
      said.reasoning += message.content.thinking ?? '';
    } else if (event.type === 'tool-call-start') {
      calls[event.index] = {
        name: message.tool_calls.function.name,
        text: message.tool_calls.function.arguments ?? '',
      };
    } else if (event.type === 'tool-call-delta') {
      const call = calls[event.index];
      if (call) call.text += message.tool_calls.function.arguments;
    } else if (event.type === 'message-end') {
      said.finish = cohereFinish(event.delta.finish_reason);
      said.usage = cohereUsage(event.delta.usage);
    }
  }
  said.calls = calls.map(({ name, text }) => ({ name, arguments: parseArguments(text) }));
  return finished(said);
}

/** https://docs.cohere.com/reference/chat */
function cohereFinish(reason: string): string {
  const known: Record<string, string> = {
    COMPLETE: 'stop',
    STOP_SEQUENCE: 'stop',
    MAX_TOKENS: 'length',
    TOOL_CALL: 'tool_calls',
  };
  const word = known[reason];
  if (word === undefined) throw new Error(`a finish reason this test does not know: ${reason}`);
  return word;
}

/** `tokens` is what was processed, `billed_units` what was charged: OpenAI's usage means the former. */
function cohereUsage(usage: Json): SaidUsage {
  const { input_tokens: prompt, output_tokens: completion } = usage.tokens;
  const out: SaidUsage = { prompt, completion, total: prompt + completion };
  if (typeof usage.cached_tokens === 'number') out.cached = usage.cached_tokens;
  return out;
}

function nothing(): Said {
  return { text: '', reasoning: '', calls: [], finish: null, usage: null, error: null };
}

/** An answer that calls tools ends with `tool_calls`, whatever the provider called it. */
function finished(said: Said): Said {
  return said.calls.length > 0 && said.finish === 'stop' ? { ...said, finish: 'tool_calls' } : said;
}

/** Calls without arguments come as nothing, `""` or `"null"` (Cohere); clients want an object. */
function parseArguments(text: string): unknown {
  return text === '' ? {} : (JSON.parse(text) ?? {});
}
