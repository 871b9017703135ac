import { duration, shortNumber } from '../format.js';
import { t } from '../l10n.js';
import type { Step } from './conversation.js';

/** What the quiet line under an answer says, in its order; what is not known is left out. */
export function factsOf(step: Step): string[] {
  const { route, firstTokenMs, totalMs, end } = step;
  const facts: string[] = [];
  if (route.via !== null) facts.push(route.via);
  if (firstTokenMs !== null) facts.push(t('{0} to first token', duration(firstTokenMs)));
  if (end !== null && end.kind !== 'lost') facts.push(duration(totalMs));
  const tokens = tokensOf(step);
  if (tokens !== null) {
    const words = shortNumber(tokens.count);
    facts.push(tokens.isEstimate ? t('~{0} tokens', words) : t('{0} tokens', words));
    const speed = speedOf(tokens.count, firstTokenMs, totalMs);
    if (speed !== null) facts.push(t('{0} tok/s', Math.round(speed)));
  }
  const { length } = route.fallbacks;
  if (length > 0) facts.push(length === 1 ? t('1 fallback') : t('{0} fallbacks', length));
  return facts;
}

/** Completion tokens as counted by the provider; else guessed from the text, four characters a token. */
export function tokensOf({ usage, content, reasoning }: Step): { count: number; isEstimate: boolean } | null {
  if (usage !== null && usage.completionTokens > 0) return { count: usage.completionTokens, isEstimate: false };
  const characters = content.length + reasoning.length;
  return characters === 0 ? null : { count: Math.max(1, Math.round(characters / 4)), isEstimate: true };
}

/** Tokens a second after the first one; null where too little time passed to tell. */
export function speedOf(tokens: number, firstTokenMs: number | null, totalMs: number): number | null {
  if (firstTokenMs === null) return null;
  const ms = totalMs - firstTokenMs;
  return ms < 20 || tokens < 2 ? null : ((tokens - 1) * 1000) / ms;
}
