import type { ChatRequest } from '../../../protocol/chat.js';
import type { Clock } from '../../ports.js';
import { conversationKey, digestOf, idKey, openingOf } from './sessionKeys.js';
import { type LastAnswer, SessionStore } from './sessionStore.js';
import { StickyRun } from './stickyRun.js';

export interface StickySettings {
  /** 0: off. */
  stickyMinutes: number;
  contextHandoff: boolean;
}

/** Which model each conversation is with, so that its next turn goes there too where it can. */
export class StickySessions {
  private readonly store: SessionStore;
  /** Logical model by `provider/model`. */
  private readonly logical = new Map<string, string>();

  constructor(
    clock: Clock,
    private readonly settings: () => StickySettings,
    logicalModels: Readonly<Record<string, readonly string[]>>,
  ) {
    this.store = new SessionStore(clock.now);
    for (const [logical, names] of Object.entries(logicalModels)) {
      for (const name of names) this.logical.set(name, logical);
    }
  }

  /** A request's session, by the client's id or else by the conversation; null where sessions are off. */
  open(sessionId: string | null, request: ChatRequest): StickyRun | null {
    const { stickyMinutes, contextHandoff } = this.settings();
    const opening = stickyMinutes > 0 ? openingOf(request.messages) : null;
    if (!opening) return null;
    const { user, answer } = opening;
    const { model } = request;
    const isNamedByAnswer = sessionId === null && answer === null;
    const key = sessionId !== null ? idKey(sessionId, model) : answer && conversationKey(user, digestOf(answer), model);
    const last = key === null ? null : this.store.use(key, stickyMinutes * 60_000);
    // Without an answer in it there is nothing to hand over, whatever else the session held.
    const changesFrom = contextHandoff && answer && last ? this.modelOf(last.name) : null;
    return new StickyRun(this, request, { key, last, changesFrom, user: isNamedByAnswer ? user : null });
  }

  /** The session was answered. */
  keep(key: number, answered: LastAnswer): void {
    this.store.put(key, answered);
  }

  /** The same weights at another provider are the same model. */
  modelOf(name: string): string {
    return this.logical.get(name) ?? name;
  }
}
