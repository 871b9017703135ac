/** What differs between Google's model families, read from the model id. */
export interface ModelTraits {
  /** Gemma has no system instruction and no thinkingConfig on this API. */
  isGemma: boolean;
  isFlash: boolean;
  /** Gemini 3 and later, and the `-latest` aliases: thought signatures demanded, JSON schema beside tools allowed. */
  isGemini3: boolean;
  /** How thinking is asked for; `none`: the model refuses a thinkingConfig. */
  thinking: 'level' | 'budget' | 'none';
  /** Thinking levels are low and high only (the first Gemini 3 Pro had no `medium`). */
  hasMediumLevel: boolean;
}

/**
 * Reads the traits from an id such as `gemini-2.5-flash-lite` or `models/gemma-4-31b-it`.
 * After https://ai.google.dev/gemini-api/docs/thinking and /docs/gemini-3 (2026-11).
 */
export function modelTraits(modelId: string): ModelTraits {
  const id = modelId.toLowerCase();
  const isGemma = /(^|[/_-])gemma[-_\d]/.test(id);
  const isFlash = id.includes('flash');
  const version = /gemini-(\d+)(?:\.(\d+))?/.exec(id);
  const major = Number(version?.[1] ?? 0);
  const minor = Number(version?.[2] ?? 0);
  const isGemini3 = !isGemma && (major >= 3 || /gemini-(?:pro|flash|flash-lite)-latest/.test(id));
  const hasNoThinking = isGemma || /-(?:image|tts|live|audio)(?:-|$)/.test(id);
  let thinking: ModelTraits['thinking'] = 'none';
  if (!hasNoThinking && isGemini3) thinking = 'level';
  else if (!hasNoThinking && major === 2 && minor >= 5) thinking = 'budget';
  return { isGemma, isFlash, isGemini3, thinking, hasMediumLevel: isFlash || major > 3 || minor >= 1 };
}
