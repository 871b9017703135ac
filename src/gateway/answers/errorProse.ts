import type { Usage } from '../../protocol/chat.js';

/** A sentence that some provider sends as the text of a 200 when it has no answer. */
interface ErrorShape {
  /** How the text begins, lower case: while it may still become this, a stream is held. */
  opening: string;
  /** The whole text, trimmed. */
  whole: RegExp;
  /** Longer, or with a line break where it is one line, it is something else. */
  maxLength: number;
  isLine?: boolean;
  /**
   * Providers (ids, or their beginnings) whose streams are held for it; all if left out. Answers that begin with its
   * first words are too common to hold everybody's.
   */
  heldFrom?: readonly string[];
  /** Known to come with token counts all the same. Elsewhere a counted answer is an answer. */
  isCounted?: boolean;
  /** What the client and the ledger read: never the text itself. */
  message: string;
  source: string;
}

const POLLINATIONS_NOTICE =
  'https://github.com/pollinations/pollinations: textBalanceNotice, which turns 402 and 403 into a chat reply with all counts 0; seen in https://github.com/vava-nessa/free-coding-models/issues/190';
const HELD_FROM = ['pollinations', 'custom:'];
const CASE_49 =
  "conformance case 49; express-rate-limit's and slowapi's own messages, and api.airforce's (\"Ratelimit Exceeded! Please join …\")";
const ASKS_TO_WAIT = String.raw`.*\b(?:please|try|retry|wait|slow down|upgrade|later)\b.*`;

/**
 * The known ones, and nothing that merely speaks of errors: each is matched as a whole, from its first word to its last.
 */
const SHAPES: readonly ErrorShape[] = [
  {
    opening: "the account behind this api key doesn't have enough credits.",
    whole: /^the account behind this api key doesn['’]t have enough credits\.[\s\S]*$/i,
    maxLength: 800,
    heldFrom: HELD_FROM,
    message: 'The account is out of credits, said in the text of an answer',
    source: POLLINATIONS_NOTICE,
  },
  {
    opening: 'the account behind this api key doesn’t have enough credits.',
    whole: /^the account behind this api key doesn['’]t have enough credits\.[\s\S]*$/i,
    maxLength: 800,
    heldFrom: HELD_FROM,
    message: 'The account is out of credits, said in the text of an answer',
    source: POLLINATIONS_NOTICE,
  },
  {
    opening: 'the api key used for this request ',
    whole: /^the api key used for this request (?:has reached its budget|isn['’]t allowed to use)\b[\s\S]*$/i,
    maxLength: 800,
    heldFrom: HELD_FROM,
    message: 'The key may not be used for this model, or has reached its budget, said in the text of an answer',
    source: POLLINATIONS_NOTICE,
  },
  {
    opening: '⚠️ **important notice** ⚠️',
    whole: /^⚠️ \*\*important notice\*\* ⚠️\s+the pollinations legacy text api is being deprecated[\s\S]*$/i,
    maxLength: 600,
    isCounted: true,
    message: 'A notice that the API is deprecated instead of an answer',
    source: 'https://github.com/xtekky/gpt4free/issues/3392',
  },
  {
    opening: 'you have hit your chatgpt usage limit',
    whole: /^you have hit your chatgpt usage limit(?: \([^)]{1,40}\))?\.(?: try again in ~?\d+ \w+\.?)?$/i,
    maxLength: 120,
    isLine: true,
    isCounted: true,
    heldFrom: HELD_FROM,
    message: 'The usage limit is reached, said in the text of an answer',
    source: 'https://github.com/openclaw/openclaw/issues/16665',
  },
  ...['rate limit exceeded', 'rate limit reached', 'ratelimit exceeded'].map(limiterShape),
  { ...limiterShape('too many requests'), heldFrom: HELD_FROM },
];
const MAX_LENGTH = Math.max(...SHAPES.map(({ maxLength }) => maxLength));

function limiterShape(opening: string): ErrorShape {
  return {
    opening,
    whole: new RegExp(`^${opening}\\b${ASKS_TO_WAIT}$`, 'i'),
    maxLength: 300,
    isLine: true,
    message: 'A rate limit is reached, said in the text of an answer',
    source: CASE_49,
  };
}

/** Why a whole answer is known error prose; null if it is an answer. */
export function errorProseIn(text: string, usage: Usage | null): string | null {
  if (text.length > MAX_LENGTH) return null;
  const trimmed = text.trim();
  const shape = SHAPES.find((one) => canBe(one, trimmed) && one.whole.test(trimmed));
  if (!shape || (!shape.isCounted && (usage?.completion_tokens ?? 0) > 0)) return null;
  return shape.message;
}

/** Whether text that is still coming from this provider may become known error prose, so that it is held. */
export function mayBeErrorProse(text: string, provider: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const trimmed = text.trim();
  if (trimmed === '') return false;
  return SHAPES.some(
    (shape) => canBe(shape, trimmed) && (!shape.heldFrom || shape.heldFrom.some((start) => provider.startsWith(start))),
  );
}

function canBe({ opening, maxLength, isLine }: ErrorShape, text: string): boolean {
  return beginsAlike(text, opening) && text.length <= maxLength && !(isLine && text.includes('\n'));
}

/** Whether one of the two begins with the other, whatever the case. */
function beginsAlike(text: string, opening: string): boolean {
  const length = Math.min(text.length, opening.length);
  return text.slice(0, length).toLowerCase() === opening.slice(0, length);
}
