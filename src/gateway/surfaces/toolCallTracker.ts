import type { ToolCallDelta } from '../../protocol/chat.js';
import type { ArgumentRepair } from '../answers/argumentRepair.js';
import { isRecord, readArguments } from './looseParts.js';

interface Call {
  index: number;
  upstreamIndex: unknown;
  id: string;
  upstreamId: string | null;
  name: string;
  /** The first delta (index, id, type, name) is out. */
  isOpen: boolean;
  /** Arguments that came before the name. */
  held: string;
  hasArguments: boolean;
  extra: unknown;
  /** Mends the arguments on their way; null where nothing needs it, or no longer. */
  repair: ArgumentRepair | null;
}

/**
 * Gives streamed tool calls the shape clients need: every call has a distinct index and id, its first delta carries id,
 * type and name, later ones only arguments; ids and indices that a provider left out or used twice are mended.
 */
export class ToolCallTracker {
  private readonly calls: Call[] = [];

  constructor(
    private readonly newId: () => string,
    private readonly repairFor?: (name: string) => ArgumentRepair | null,
  ) {}

  get count(): number {
    return this.calls.length;
  }

  /** The deltas to send for one upstream `tool_calls` array. */
  push(deltas: unknown): ToolCallDelta[] {
    const out: ToolCallDelta[] = [];
    if (!Array.isArray(deltas)) return out;
    for (const delta of deltas as unknown[]) {
      if (!isRecord(delta)) continue;
      const fn = isRecord(delta['function']) ? delta['function'] : {};
      const name = typeof fn['name'] === 'string' ? fn['name'] : '';
      const call = this.find(delta, name);
      if (!call.isOpen && name) call.name = name;
      if (isRecord(delta['extra_content'])) call.extra = delta['extra_content'];
      this.append(call, readArguments(fn['arguments']), out);
    }
    return out;
  }

  /** What must still be said when the stream ends: names that never came stay out, missing arguments become `{}`. */
  end(): ToolCallDelta[] {
    const out: ToolCallDelta[] = [];
    for (const call of this.calls) {
      const rest = call.isOpen && !call.hasArguments ? '{}' : (call.repair?.end() ?? '');
      if (rest !== '') out.push({ index: call.index, function: { arguments: rest } });
    }
    return out;
  }

  /** True if at least one call has a name and so reached the client. */
  get hasOpenCall(): boolean {
    return this.calls.some((call) => call.isOpen);
  }

  /** Whether these deltas may go out as they came: one delta, continuing a call that is open under the same index. */
  canPass(deltas: unknown): boolean {
    if (!Array.isArray(deltas) || deltas.length !== 1) return false;
    const delta: unknown = deltas[0];
    if (!isRecord(delta) || typeof delta['index'] !== 'number' || delta['id'] != null) return false;
    const call = this.calls[delta['index']];
    if (!call?.isOpen || call.upstreamIndex !== delta['index'] || this.calls.at(-1) !== call) return false;
    if (call.repair !== null) return false;
    const fn = delta['function'];
    if (!isRecord(fn) || typeof fn['arguments'] !== 'string' || fn['name'] != null) return false;
    if (fn['arguments']) call.hasArguments = true;
    return true;
  }

  private append(call: Call, text: string, out: ToolCallDelta[]): void {
    if (!call.name) {
      call.held += text;
      return;
    }
    if (call.isOpen) {
      if (!text) return;
      call.hasArguments = true;
      const mended = mend(call, text);
      if (mended !== '') out.push({ index: call.index, function: { arguments: mended } });
      return;
    }
    call.isOpen = true;
    call.repair = this.repairFor?.(call.name) ?? null;
    call.hasArguments = call.held + text !== '';
    const args = mend(call, call.held + text);
    out.push({
      index: call.index,
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: args },
      ...(call.extra ? { extra_content: call.extra as NonNullable<ToolCallDelta['extra_content']> } : {}),
    });
  }

  private find(delta: Record<string, unknown>, name: string): Call {
    const id = typeof delta['id'] === 'string' && delta['id'] ? delta['id'] : null;
    const index = delta['index'];
    const known = this.findKnown(id, index, name);
    if (known) return known;
    const isIdTaken = id !== null && this.calls.some((call) => call.id === id);
    const call: Call = {
      index: this.calls.length,
      upstreamIndex: index,
      id: id !== null && !isIdTaken ? id : this.newId(),
      upstreamId: id,
      name: '',
      isOpen: false,
      held: '',
      hasArguments: false,
      extra: null,
      repair: null,
    };
    this.calls.push(call);
    return call;
  }

  private findKnown(id: string | null, index: unknown, name: string): Call | undefined {
    if (typeof index === 'number') {
      const call = this.calls.findLast((candidate) => candidate.upstreamIndex === index);
      // Some providers number every call 0: a new id, or a second name without an id, begins another call.
      if (call && id !== null && call.upstreamId !== null && call.upstreamId !== id) {
        return this.calls.findLast((candidate) => candidate.upstreamId === id && candidate.upstreamIndex === index);
      }
      if (call && id !== null && call.upstreamId === null) call.upstreamId = id;
      if (call && id === null && name && call.isOpen && call.hasArguments) return undefined;
      return call;
    }
    if (id !== null) return this.calls.findLast((candidate) => candidate.upstreamId === id);
    return name ? undefined : this.calls.at(-1);
  }
}

function mend(call: Call, text: string): string {
  if (call.repair === null) return text;
  const mended = call.repair.push(text);
  if (call.repair.isDone) call.repair = null;
  return mended;
}
