import type { ChatBody, ToPlayground } from '../../protocol/playground.js';
import { ChatStream, type ChatStreamPorts } from './chatStream.js';

/** One picture of the screen: what comes within it reaches the page together. */
const PART_MS = 16;
/** So many characters at once are laid out well within a frame. */
const PART_CHARACTERS = 8 * 1024;
/** Answers that have ended are kept for a page that was hidden meanwhile. */
const KEPT_ENDED = 8;

export interface ChatRelayPorts extends Pick<ChatStreamPorts, 'connection'> {
  post(message: ToPlayground): void;
  /** Says in the middle of a long raw answer how much was left out. */
  cut(characters: number): string;
  /** ms, of any clock; performance.now by default. */
  now?(): number;
  /** setTimeout by default; returns what cancels it. */
  after?(ms: number, run: () => void): () => void;
}

interface Chat {
  stream: ChatStream;
  /** How far the page has it. */
  content: number;
  reasoning: number;
  calls: number;
  /** How long the calls were that it has. */
  callLength: number;
  isRouteTold: boolean;
  isFirst: boolean;
  /** The page has not said yet that it has shown the last part. */
  isAwaited: boolean;
  isEndTold: boolean;
  cancelTimer: (() => void) | null;
}

/**
 * Hands streamed answers to the page in parts: at most one a frame, and none before the one before was shown, however
 * fast they come. A page that is hidden loses nothing: the answer is read on, and told anew to the next document.
 */
export class ChatRelay {
  private readonly chats = new Map<string, Chat>();
  private isPaused = false;

  constructor(private readonly ports: ChatRelayPorts) {}

  start(id: string, body: ChatBody): void {
    if (this.chats.has(id)) return;
    const { now = () => performance.now(), connection } = this.ports;
    const chat: Chat = {
      stream: new ChatStream(body, { connection, now, changed: () => this.changed(id) }),
      ...{ content: 0, reasoning: 0, calls: 0, callLength: 0, isRouteTold: false, isFirst: true },
      ...{ isAwaited: false, isEndTold: false, cancelTimer: null },
    };
    this.isPaused = false;
    this.chats.set(id, chat);
    this.forgetOld();
  }

  /** Everything so far is told again, and then what follows. */
  resume(id: string): void {
    this.isPaused = false;
    const chat = this.chats.get(id);
    if (chat === undefined) {
      const route = { requestId: null, via: null, fallbacks: [] };
      const rest = { route, firstTokenMs: null, totalMs: 0, usage: null, raw: '' };
      this.ports.post({ type: 'chat.end', id, end: { kind: 'lost' }, ...rest });
      return;
    }
    Object.assign(chat, { content: 0, reasoning: 0, calls: 0, callLength: 0, isRouteTold: false, isFirst: true });
    Object.assign(chat, { isAwaited: false, isEndTold: false });
    this.schedule(id, chat, 0);
  }

  /** The page has shown the last part. */
  more(id: string): void {
    const chat = this.chats.get(id);
    if (chat === undefined) return;
    chat.isAwaited = false;
    this.schedule(id, chat, PART_MS);
  }

  stop(id: string): void {
    this.chats.get(id)?.stream.stop();
  }

  /** The page is gone for now; its next document resumes what it wants. */
  pause(): void {
    this.isPaused = true;
  }

  dispose(): void {
    for (const chat of this.chats.values()) {
      chat.isEndTold = true;
      chat.cancelTimer?.();
      chat.stream.stop();
    }
    this.chats.clear();
  }

  private changed(id: string): void {
    const chat = this.chats.get(id);
    // Its constructor may say so before it is in the list.
    if (chat !== undefined) this.schedule(id, chat, PART_MS);
  }

  private schedule(id: string, chat: Chat, ms: number): void {
    if (chat.cancelTimer !== null || chat.isAwaited || chat.isEndTold || this.isPaused) return;
    const after = this.ports.after ?? timeout;
    chat.cancelTimer = after(ms, () => {
      chat.cancelTimer = null;
      this.tell(id, chat);
    });
  }

  private tell(id: string, chat: Chat): void {
    if (this.isPaused || chat.isAwaited || chat.isEndTold) return;
    const { stream } = chat;
    const { text } = stream;
    const content = slice(text.content, chat.content);
    const reasoning = slice(text.reasoning, chat.reasoning);
    const areCallsDue = isDue(chat);
    const isChanged = content !== '' || reasoning !== '' || areCallsDue;
    const isRouteNew = !chat.isRouteTold && stream.route.requestId !== null;
    if (isChanged || isRouteNew || chat.isFirst) {
      const calls = areCallsDue ? text.calls.map((call) => ({ ...call })) : null;
      const { route, firstTokenMs } = stream;
      const { isFirst } = chat;
      chat.content += content.length;
      chat.reasoning += reasoning.length;
      if (areCallsDue) Object.assign(chat, { calls: text.callChanges, callLength: text.callLength });
      chat.isRouteTold = route.requestId !== null;
      chat.isFirst = false;
      chat.isAwaited = true;
      this.ports.post({ type: 'chat.part', id, isFirst, content, reasoning, calls, route, firstTokenMs });
      return;
    }
    if (stream.end === null) return;
    chat.isEndTold = true;
    const { end, route, firstTokenMs, totalMs } = stream;
    const raw = stream.raw(this.ports.cut);
    this.ports.post({ type: 'chat.end', id, end, route, firstTokenMs, totalMs, usage: text.usage, raw });
  }

  private forgetOld(): void {
    const ended = [...this.chats].filter(([, { isEndTold }]) => isEndTold);
    for (const [id] of ended.slice(0, Math.max(0, ended.length - KEPT_ENDED))) this.chats.delete(id);
  }
}

/** Calls are told whole: long ones only when they have grown by much, or are complete. */
function isDue({ stream: { text, end }, calls, callLength }: Chat): boolean {
  if (text.callChanges === calls) return false;
  return end !== null || text.callLength < PART_CHARACTERS || text.callLength > callLength * 1.25;
}

/** The next part; a pair of surrogates stays together. */
function slice(text: string, from: number): string {
  const end = from + PART_CHARACTERS;
  const last = text.charCodeAt(end - 1);
  return text.slice(from, last >= 0xd800 && last <= 0xdbff && end < text.length ? end - 1 : end);
}

function timeout(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
