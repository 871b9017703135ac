import { randomUUID } from 'node:crypto';
import type { ToolCallDelta } from '../../../protocol/chat.js';
import { type ArgumentValue, type ArgumentWriter, createArgumentWriter, parseArgumentPath } from './argumentWriter.js';
import type { SignatureCache } from './signatureCache.js';
import { type GeminiFunctionCall, type GeminiPart, type GeminiPartialArg, isObject } from './wire.js';

/** Turns the function-call parts of one answer, whole or streamed in pieces, into OpenAI tool-call deltas. */
export interface ToolCallDecoder {
  /** Deltas of one `functionCall` part. */
  decode(part: GeminiPart): ToolCallDelta[];
  /** Completes a call whose last piece Gemini left out (it does, before the closing text part). */
  finish(): ToolCallDelta[];
  readonly count: number;
  /** A call was begun and its arguments are not complete. */
  readonly isOpen: boolean;
}

interface OpenCall {
  index: number;
  id: string;
  upstreamId: string | undefined;
  name: string;
  /** Everything sent so far. */
  args: string;
  signature: string | undefined;
  writer: ArgumentWriter;
}

export function createToolCallDecoder(modelId: string, signatures: SignatureCache): ToolCallDecoder {
  const usedIds = new Set<string>();
  let count = 0;
  let open: OpenCall | null = null;

  /** Gemini's own id, unless a call of this answer has it already: clients match results by id. */
  function claimId(upstreamId: string | undefined): string {
    const id = upstreamId && !usedIds.has(upstreamId) ? upstreamId : `call_${randomUUID().replaceAll('-', '')}`;
    usedIds.add(id);
    return id;
  }

  function begin(call: GeminiFunctionCall, name: string): OpenCall {
    const id = claimId(call.id);
    const writer = createArgumentWriter();
    return { index: count++, id, upstreamId: call.id, name, args: '', signature: undefined, writer };
  }

  function finish(): ToolCallDelta[] {
    if (!open) return [];
    const call = open;
    open = null;
    const text = call.writer.finish();
    call.args += text;
    if (call.signature) signatures.rememberCall(modelId, call, call.signature);
    return [{ index: call.index, function: { arguments: text } }];
  }

  return {
    decode(part) {
      const call = part.functionCall;
      if (!isObject(call)) return [];
      const piece = call as GeminiFunctionCall;
      const isNew = typeof piece.name === 'string' && piece.name !== '' && !continues(open, piece);
      const deltas = isNew ? finish() : [];
      if (isNew) open = begin(piece, piece.name as string);
      if (!open) return deltas;
      if (part.thoughtSignature) open.signature = part.thoughtSignature;
      let text = '';
      for (const arg of piece.partialArgs ?? []) text += writePartial(open.writer, arg);
      if (isObject(piece.args)) open.writer.merge(piece.args);
      open.args += text;
      if (isNew || text !== '' || part.thoughtSignature) {
        deltas.push(deltaOf(open, isNew, text, part.thoughtSignature));
      }
      if (piece.willContinue !== true) deltas.push(...finish());
      return mergeDeltas(deltas);
    },
    finish,
    get count() {
      return count;
    },
    get isOpen() {
      return open !== null;
    },
  };
}

/** Some senders repeat name and id in every piece. */
function continues(open: OpenCall | null, piece: GeminiFunctionCall): boolean {
  return open !== null && piece.id !== undefined && piece.id === open.upstreamId && piece.name === open.name;
}

function writePartial(writer: ArgumentWriter, arg: GeminiPartialArg): string {
  const path = typeof arg?.jsonPath === 'string' ? parseArgumentPath(arg.jsonPath) : null;
  const value = partialValue(arg);
  return path && value !== undefined ? writer.write(path, value, arg.willContinue === true) : '';
}

function partialValue(arg: GeminiPartialArg): ArgumentValue | undefined {
  if (!isObject(arg)) return undefined;
  if (typeof arg.stringValue === 'string') return arg.stringValue;
  if (typeof arg.numberValue === 'number') return arg.numberValue;
  if (typeof arg.boolValue === 'boolean') return arg.boolValue;
  return 'nullValue' in arg ? null : undefined;
}

function deltaOf(call: OpenCall, isNew: boolean, text: string, signature: string | undefined): ToolCallDelta {
  return {
    index: call.index,
    ...(isNew && { id: call.id, type: 'function' as const }),
    function: { ...(isNew && { name: call.name }), arguments: text },
    ...(signature && { extra_content: { google: { thought_signature: signature } } }),
  };
}

/** One delta a call: a whole call then leaves as one piece. */
function mergeDeltas(deltas: ToolCallDelta[]): ToolCallDelta[] {
  const merged: ToolCallDelta[] = [];
  for (const delta of deltas) {
    const last = merged.at(-1);
    if (last?.index !== delta.index) merged.push(delta);
    else {
      const text = (last.function?.arguments ?? '') + (delta.function?.arguments ?? '');
      last.function = { ...last.function, arguments: text };
    }
  }
  return merged;
}
