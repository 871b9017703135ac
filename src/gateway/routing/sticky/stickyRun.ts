import type { AssistantMessage, ChatMessage, ChatRequest } from '../../../protocol/chat.js';
import type { Candidate } from '../inventory.js';
import { AnswerDigest } from './answerDigest.js';
import { HANDOFF_TOKENS, withHandoff } from './handoff.js';
import { asDelta, conversationKey } from './sessionKeys.js';
import type { LastAnswer } from './sessionStore.js';
import type { StickySessions } from './stickySessions.js';

/** What is known of a request's session when it comes. */
export interface SessionFacts {
  /** null: only the answer to come can tell which conversation it is, or nothing can. */
  key: number | null;
  /** null: nobody has answered it yet, or too long ago. */
  last: LastAnswer | null;
  /** The model that wrote its answers, where another that takes over is to be told; else null. */
  changesFrom: string | null;
  /** The first user message, where the answer is to tell the conversation. */
  user: ChatMessage | null;
}

/** One request of a session. An affinity, never a pin: it orders the candidates that the asked `model` allows. */
export class StickyRun {
  /** The session's last candidate was put first. */
  isLed = false;
  private digest: AnswerDigest | null = null;
  private told: ChatRequest | null = null;

  constructor(
    private readonly sessions: StickySessions,
    private readonly request: ChatRequest,
    private readonly facts: SessionFacts,
  ) {}

  /** The model that answered last first, with the key it answered with (prompt caches are per account). */
  order(candidates: readonly Candidate[]): readonly Candidate[] {
    const { last } = this.facts;
    if (!last) return candidates;
    const own: Candidate[] = [];
    const others: Candidate[] = [];
    for (const candidate of candidates) {
      if (candidate.name !== last.name) others.push(candidate);
      else if (candidate.keyId === last.keyId) own.unshift(candidate);
      else own.push(candidate);
    }
    this.isLed = own.length > 0;
    return own.concat(others);
  }

  /** Whether the candidate takes the conversation over from another model, and is to be told. */
  isHandedTo({ name, provider }: Candidate): boolean {
    const { changesFrom } = this.facts;
    // The demo speaks from a script.
    return changesFrom !== null && provider !== 'demo' && this.sessions.modelOf(name) !== changesFrom;
  }

  /** What the candidate is sent more than the client wrote, in estimated tokens. */
  addedTokens(candidate: Candidate): number {
    return this.isHandedTo(candidate) ? HANDOFF_TOKENS : 0;
  }

  /** What the candidate is to be asked. */
  requestFor(candidate: Candidate): ChatRequest {
    if (!this.isHandedTo(candidate)) return this.request;
    this.told ??= withHandoff(this.request);
    return this.told;
  }

  /** Who hears the answer of the attempt that begins; undefined where nobody needs to. */
  listener(): AnswerDigest | undefined {
    if (!this.facts.user) return undefined;
    this.digest = new AnswerDigest();
    return this.digest;
  }

  /** The same for an answer that came whole. */
  hear(message: AssistantMessage): void {
    this.listener()?.hear(asDelta(message));
  }

  /** The session is with this candidate from now on. */
  answered(candidate: Candidate): void {
    // The demo stands in for models that come back.
    if (candidate.provider === 'demo') return;
    const { key, user } = this.facts;
    const answeredKey = user ? conversationKey(user, this.digest?.value ?? null, this.request.model) : key;
    if (answeredKey !== null) this.sessions.keep(answeredKey, candidate);
  }
}
