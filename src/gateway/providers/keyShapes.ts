import { PROVIDERS } from './table.js';

/** Shapes that say who issued the key, by a prefix of its own. The others (`sk-…`, bare hex) are guesses. */
const DISTINCT_PREFIX =
  /^(?:AIza|gsk_|csk-|sk-or-v1-|sk-orca-|nvapi-|ghp_|github_pat_|hf_|ms-|bce-v3\/|eyJ)|^[0-9a-f]{32}:/;

/**
 * Provider ids whose key shape matches a pasted text, best first: an issuer's own prefix before generic shapes
 * (`sk-or-v1-…` is OpenRouter before it is any `sk-…`), then the order of the table. Empty when nothing matches;
 * a hint only, never a reason to refuse a key.
 */
export function recogniseKey(text: string): string[] {
  const key = cleanPastedKey(text);
  if (key.length < 8) return [];
  const matches = PROVIDERS.filter((spec) => spec.keyShape?.test(key)).map((spec) => spec.id);
  if (!DISTINCT_PREFIX.test(key)) return matches;
  // A distinct prefix leaves generic patterns (22 or 40 characters of anything) as mere coincidences: last.
  const own = matches.filter((id) => isDistinct(id));
  return [...own, ...matches.filter((id) => !own.includes(id))];
}

/** Undoes what copying adds: white space, quotes, `NAME=`, `Bearer `. */
export function cleanPastedKey(text: string): string {
  return text
    .trim()
    .replace(/^(?:export\s+)?[A-Z][A-Z0-9_]*\s*=\s*/, '')
    .replace(/^bearer\s+/i, '')
    .replace(/^["'`]|["'`]$/g, '')
    .trim();
}

function isDistinct(id: string): boolean {
  const generic = ['cohere', 'mistral', 'aihorde', 'moonshot', 'siliconflow'];
  return !generic.includes(id);
}
