import type { ProviderView } from '../protocol/provider.js';

export type Recognised =
  /** The text is a key of this provider. */
  | { kind: 'one'; provider: ProviderView; key: string }
  /** It is a key, but several providers (or none we know) make such keys. */
  | { kind: 'unsure'; providers: ProviderView[]; key: string };

/** A pasted `export GROQ_API_KEY="gsk_…"`, `Bearer gsk_…` or quoted key without its wrapping. */
export function cleanKey(text: string): string {
  return text
    .trim()
    .replace(/^(?:export\s+|set\s+)?[A-Z][A-Z0-9_]*\s*=\s*/, '')
    .replace(/^(?:authorization:\s*)?bearer\s+/i, '')
    .replace(/^(["'`])(.*)\1[;,]?$/, '$2')
    .trim();
}

/**
 * Whose key is this? Null for what is not a key at all, such as words typed to search.
 * Shapes overlap (`sk-…`): the one that says most, by its literal beginning, wins.
 */
export function recogniseKey(text: string, providers: readonly ProviderView[]): Recognised | null {
  const key = cleanKey(text);
  if (key.length < 16 || /\s/.test(key) || /^https?:/i.test(key)) return null;
  const matches = providers.filter((provider) => fitsShape(key, provider));
  if (matches.length === 0) {
    return looksLikeKey(key) ? { kind: 'unsure', providers: [], key } : null;
  }
  const lengths = matches.map((provider) => literalPrefix(provider.keyPattern ?? '').length);
  const longest = Math.max(...lengths);
  const best = matches.filter((_, index) => lengths[index] === longest);
  const [only] = best;
  return best.length === 1 && only !== undefined
    ? { kind: 'one', provider: only, key }
    : { kind: 'unsure', providers: best, key };
}

/** Does the whole key have the provider's shape? False where its keys have none. */
export function fitsShape(key: string, provider: ProviderView): boolean {
  if (provider.keyPattern === null) return false;
  try {
    return new RegExp(`^(?:${provider.keyPattern})$`).test(key);
  } catch {
    return false;
  }
}

/** What every key of this shape begins with: `gsk_` of `^gsk_[A-Za-z0-9]+$`. */
export function literalPrefix(pattern: string): string {
  const source = pattern.replace(/^\^/, '');
  if (source.includes('|')) return '';
  const prefix = /^[A-Za-z0-9_-]*/.exec(source)?.[0] ?? '';
  // A quantifier belongs to the character before it.
  return /^[?*{]/.test(source.slice(prefix.length)) ? prefix.slice(0, -1) : prefix;
}

/** Long, without spaces, with letters and digits mixed: nothing one types to find a provider. */
function looksLikeKey(text: string): boolean {
  return text.length >= 24 && /[0-9]/.test(text) && /[A-Za-z]/.test(text) && /^[A-Za-z0-9._:-]+$/.test(text);
}
