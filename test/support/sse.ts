import assert from 'node:assert/strict';

/** One thing an event stream said. */
export type SseFrame = { kind: 'data'; data: string } | { kind: 'comment'; text: string };

export interface SseParser {
  push(part: Buffer): SseFrame[];
  /** Asserts that nothing was left half-written. */
  end(): void;
}

/**
 * A small, strict reader of what the gateway streams, on purpose not the gateway's own code: `data:` lines, comments
 * and blank lines, LF line ends; anything else is an assertion error.
 */
export function createSseParser(): SseParser {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  let data: string[] = [];
  const take = (line: string, frames: SseFrame[]) => {
    if (line === '') {
      if (data.length > 0) frames.push({ kind: 'data', data: data.join('\n') });
      data = [];
      return;
    }
    if (line.startsWith(':')) {
      frames.push({ kind: 'comment', text: line.slice(1).trim() });
      return;
    }
    assert.ok(line.startsWith('data: '), `only data and comment lines may occur, got ${JSON.stringify(line)}`);
    data.push(line.slice('data: '.length));
  };
  return {
    push(part) {
      rest += decoder.decode(part, { stream: true });
      assert.ok(!rest.includes('\r'), 'lines end in LF');
      const frames: SseFrame[] = [];
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        take(rest.slice(0, at), frames);
        rest = rest.slice(at + 1);
      }
      return frames;
    },
    end() {
      assert.equal(rest, '', 'the stream ended within a line');
      assert.deepEqual(data, [], 'the stream ended within an event');
    },
  };
}

/** Parses a whole event-stream text. */
export function parseSse(text: string): SseFrame[] {
  const parser = createSseParser();
  const frames = parser.push(Buffer.from(text, 'utf8'));
  parser.end();
  return frames;
}

export interface AssembledCall {
  index: number;
  id: string | undefined;
  type: string | undefined;
  name: string;
  arguments: string;
  /** How many deltas it came in. */
  deltas: number;
}

export interface AssembledStream {
  text: string;
  reasoning: string;
  toolCalls: AssembledCall[];
  finishReasons: string[];
  /** Usage objects of frames with `choices: []`. */
  usages: Record<string, number>[];
  /** How many frames of any kind carried a usage object. */
  usageFrames: number;
  errors: { message: string; type: string; code: string | null; param?: string | null }[];
  roleChunks: number;
  sawDone: boolean;
  comments: string[];
  /** Every parsed data payload but `[DONE]`, in order. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into chunks.
  chunks: any[];
  frames: SseFrame[];
}

/** Puts a stream's frames together as a careful client would. Asserts that nothing follows `[DONE]`. */
export function assemble(frames: readonly SseFrame[]): AssembledStream {
  const out: AssembledStream = {
    text: '',
    reasoning: '',
    toolCalls: [],
    finishReasons: [],
    usages: [],
    usageFrames: 0,
    errors: [],
    roleChunks: 0,
    sawDone: false,
    comments: [],
    chunks: [],
    frames: [...frames],
  };
  for (const frame of frames) {
    if (frame.kind === 'comment') {
      assert.ok(!out.sawDone, 'a comment after [DONE]');
      out.comments.push(frame.text);
      continue;
    }
    assert.ok(!out.sawDone, `something after [DONE]: ${frame.data}`);
    if (frame.data === '[DONE]') {
      out.sawDone = true;
      continue;
    }
    addChunk(out, JSON.parse(frame.data));
  }
  return out;
}

// biome-ignore lint/suspicious/noExplicitAny: a chunk as it came.
function addChunk(out: AssembledStream, chunk: any): void {
  out.chunks.push(chunk);
  if (chunk.error !== undefined) {
    out.errors.push(chunk.error);
    return;
  }
  assert.equal(chunk.object, 'chat.completion.chunk');
  assert.ok(Array.isArray(chunk.choices), 'every chunk has choices');
  if (chunk.usage) {
    out.usageFrames += 1;
    if (chunk.choices.length === 0) out.usages.push(chunk.usage);
  }
  for (const choice of chunk.choices) {
    const delta = choice.delta ?? {};
    if (delta.role !== undefined) out.roleChunks += 1;
    if (typeof delta.content === 'string') out.text += delta.content;
    if (typeof delta.reasoning_content === 'string') out.reasoning += delta.reasoning_content;
    for (const call of delta.tool_calls ?? []) addCall(out, call);
    if (choice.finish_reason) out.finishReasons.push(choice.finish_reason);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a tool-call delta as it came.
function addCall(out: AssembledStream, delta: any): void {
  assert.equal(typeof delta.index, 'number', 'every tool-call delta has an index');
  let call = out.toolCalls.find((one) => one.index === delta.index);
  if (call === undefined) {
    call = { index: delta.index, id: delta.id, type: delta.type, name: '', arguments: '', deltas: 0 };
    assert.equal(typeof delta.id, 'string', 'the first delta of a call has its id');
    assert.equal(delta.type, 'function', 'the first delta of a call has its type');
    assert.ok(delta.function?.name, 'the first delta of a call has its name');
    out.toolCalls.push(call);
  }
  call.deltas += 1;
  call.name += delta.function?.name ?? '';
  call.arguments += delta.function?.arguments ?? '';
}
