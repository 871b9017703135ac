/** Where nothing is known of a model: a usual answer of an assistant, in tokens. */
const FIRST_ANSWER = 512;
/** How much the newest observation weighs. */
const WEIGHT = 0.15;
const RATIO = { min: 0.5, max: 3 } as const;
/** Below this the template around the prompt, not its text, decides. */
const MIN_PROMPT = 20;
const MAX_MODELS = 2000;

interface Calibration {
  /** Real prompt tokens to estimated ones. */
  ratio: number;
  answer: number;
  /** Mean distance of answers from `answer`. */
  spread: number;
}

/** How many tokens a request will cost, as the model at hand counts them. */
export interface TokenEstimator {
  /**
   * Prompt and expected answer together.
   * @param name `provider/model`
   * @param promptTokens as `requestNeeds` estimates them: messages, tool schemas and images
   * @param maxTokens the most that the answer may have, where the client says
   */
  estimate(name: string, promptTokens: number, maxTokens?: number): number;
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
    const fresh = { ratio: 1, answer: FIRST_ANSWER, spread: 0 };
    models.set(name, fresh);
    return fresh;
  }

  return {
    estimate(name, promptTokens, maxTokens) {
      const known = models.get(name);
      const answer = known ? known.answer + known.spread : FIRST_ANSWER;
      return Math.ceil(promptTokens * (known?.ratio ?? 1) + Math.min(maxTokens ?? Number.POSITIVE_INFINITY, answer));
    },
    observe(name, promptTokens, { prompt, completion }) {
      const known = calibrationOf(name);
      if (prompt !== null && prompt > 0 && promptTokens >= MIN_PROMPT) {
        const ratio = Math.min(Math.max(prompt / promptTokens, RATIO.min), RATIO.max);
        known.ratio += (ratio - known.ratio) * WEIGHT;
      }
      if (completion !== null && completion >= 0) {
        known.spread += (Math.abs(completion - known.answer) - known.spread) * WEIGHT;
        known.answer += (completion - known.answer) * WEIGHT;
      }
    },
  };
}
