/** What travels in the benchmark: bodies of the size and shape that real providers and clients send. */

/** The mock's models; the name says how it answers. */
export const MODELS = {
  whole: 'bench-whole',
  instant: 'bench-instant',
  first: 'bench-first',
  paced: 'bench-paced',
} as const;
export type BenchModel = (typeof MODELS)[keyof typeof MODELS];

/** A paced stream: this long to the first token, then so many tokens at this distance (shared/bench.md). */
export const PACE = { firstMs: 50, tokens: 100, everyMs: 10 };
/** A stream for the time to the first chunk: one at once, the rest so much later that nobody competes with it. */
export const FIRST = { chunks: 10, restAfterMs: 3 };
/** Content chunks of an instant stream. */
export const INSTANT_CHUNKS = 200;

/** The token that FreeLLM is configured with; the other targets do not look at it. */
export const TOKEN = 'freellmapi-bench-0123456789abcdef0123456789abcdef';

const CREATED = 1_774_000_000;
const QUESTION =
  'Our build server keeps its caches on a small disk that fills up every few days. Which of the usual ways of expiring ' +
  'old entries would you choose for caches that are read often for a week and then almost never again, and what would ' +
  'you measure first to be sure? Please answer in a few short sentences and name the trade-offs.';

/** The request body of a chat with a system prompt and a few hundred characters of question. */
export function requestBody(model: BenchModel): string {
  return JSON.stringify({
    model,
    messages: [
      { role: 'system', content: 'You are a careful engineer. Answer briefly, in plain words, without headings.' },
      { role: 'user', content: QUESTION },
    ],
    temperature: 0.2,
    max_tokens: 400,
    stream: model !== MODELS.whole,
  });
}

/** A whole answer of about 500 bytes. */
export function wholeAnswer(): string {
  return JSON.stringify({
    id: 'chatcmpl-Bx7Q2mFh0sTz',
    object: 'chat.completion',
    created: CREATED,
    model: MODELS.whole,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content:
            'Expire by last access, with a cap on size: what nobody has read for a week goes first. Measure the hit ' +
            'rate by age of the entry before you choose the week.',
        },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 96, completion_tokens: 35, total_tokens: 131 },
    system_fingerprint: 'fp_2f1a7c33d0',
  });
}

/** The `data:` lines of one stream: a role chunk, content chunks, the finish with usage, `[DONE]`. */
export function streamEvents(model: BenchModel, contentChunks: number): string[] {
  const chunk = (delta: object, finish: string | null, more: object = {}) =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-Bx7Q2mFh0sTz',
      object: 'chat.completion.chunk',
      created: CREATED,
      model,
      system_fingerprint: 'fp_2f1a7c33d0',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...more,
    })}\n\n`;
  const words = ['Expire', ' by', ' last', ' access', ',', ' with', ' a', ' cap', ' on', ' size', '.'];
  const contents = Array.from({ length: contentChunks }, (_, at) =>
    at === 0 ? { role: 'assistant', content: words[0] } : { content: words[at % words.length] },
  );
  const usage = { prompt_tokens: 96, completion_tokens: contentChunks, total_tokens: 96 + contentChunks };
  return [...contents.map((delta) => chunk(delta, null)), chunk({}, 'stop', { usage }), 'data: [DONE]\n\n'];
}
