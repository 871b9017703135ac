import { isTokenCount } from '../tokenCount.js';

/** Where nothing is known of a model: a usual answer of an assistant, in tokens. */
const FIRST_ANSWER = 512;
/** How much the newest observation weighs. */
const WEIGHT = 0.15;
const RATIO = { min: 0.5, max: 3 } as const;
/**
 * How far prompts are from the mean ratio where nothing is known: code, prose and other languages have 3 to 5 characters
 * a token. An estimate below the truth makes the provider answer 429; one above it only waits a little, and is settled.
 */
const FIRST_ERROR = 0.25;
/**
 * A surprise counts soon, calm only slowly: the error stays near the largest of late, not at the mean. As slowly that it
 * outlasts a conversation, whose prompts are alike, and is there when the next one differs.
 */
const ERROR_WEIGHT = { up: 0.6, down: 0.01 } as const;
/** So many errors above the mean is the estimate. */
const MARGIN = 1.5;
/** Below this the template around the prompt, not its text, decides. */
const MIN_PROMPT = 20;
const MAX_MODELS = 2000;

interface Calibration {
  /** Real prompt tokens to estimated ones. */
  ratio: number;
  /** Distance of prompts from `ratio` times the estimate, as a share of the estimate; rather the largest than the mean. */
  error: number;
  answer: number;
  /** Mean distance of answers from `answer`. */
  spread: number;
}

/** How many tokens a request will cost, as the model at hand counts them. */
export interface TokenEstimator {
  /**
   * Prompt and expected answer together, rather too many than too few.
   * @param name `provider/model`
   * @param promptTokens as `requestNeeds` estimates them: messages, tool schemas and images
   * @param maxTokens the most that the answer may have, where the client says
   * @param isTight what is likeliest, without the margin
   */
  estimate(name: string, promptTokens: number, maxTokens?: number, isTight?: boolean): number;
  /** What a request really cost. `null`: the provider did not count that part. */
  observe(name: string, promptTokens: number, real: { prompt: number | null; completion: number | null }): void;
}

/** Calibrated for each model by what its answers really cost; in memory, and bounded. */
export function createTokenEstimator(): TokenEstimator {
  const models = new Map<string, Calibration>();

  function calibrationOf(name: string): Calibration {
    const known = models.get(name);
    if (known) return known;
    const oldest = models.keys().next();
    if (models.size >= MAX_MODELS && !oldest.done) models.delete(oldest.value);
    const fresh = { ratio: 1, error: FIRST_ERROR, answer: FIRST_ANSWER, spread: 0 };
    models.set(name, fresh);
    return fresh;
  }

  return {
    estimate(name, promptTokens, maxTokens, isTight = false) {
      const known = models.get(name);
      const answer = known ? known.answer + known.spread : FIRST_ANSWER;
      const margin = isTight ? 0 : MARGIN * (known?.error ?? FIRST_ERROR);
      const ratio = Math.min((known?.ratio ?? 1) + margin, RATIO.max);
      return Math.ceil(promptTokens * ratio + Math.min(maxTokens ?? Number.POSITIVE_INFINITY, answer));
    },
    observe(name, promptTokens, { prompt, completion }) {
      const known = calibrationOf(name);
      if (isTokenCount(prompt) && prompt > 0 && promptTokens >= MIN_PROMPT) {
        const ratio = Math.min(Math.max(prompt / promptTokens, RATIO.min), RATIO.max);
        const error = Math.abs(ratio - known.ratio);
        known.error += (error - known.error) * (error > known.error ? ERROR_WEIGHT.up : ERROR_WEIGHT.down);
        known.ratio += (ratio - known.ratio) * WEIGHT;
      }
      if (isTokenCount(completion)) {
        known.spread += (Math.abs(completion - known.answer) - known.spread) * WEIGHT;
        known.answer += (completion - known.answer) * WEIGHT;
      }
    },
  };
}
