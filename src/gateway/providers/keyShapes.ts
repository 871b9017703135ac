import { PROVIDERS } from './table.js';

/** Prefixes that only one provider's keys have; what else matches them (40 characters of anything) is coincidence. */
const OWN_PREFIXES: readonly (readonly [prefix: RegExp, provider: string])[] = [
  [/^AIza/, 'google'],
  [/^gsk_/, 'groq'],
  [/^csk-/, 'cerebras'],
  [/^sk-or-v1-/, 'openrouter'],
  [/^sk-orca-/, 'orcarouter'],
  [/^nvapi-/, 'nvidia'],
  [/^(?:ghp|github_pat)_/, 'github'],
  [/^hf_/, 'huggingface'],
  [/^[ps]k_/, 'pollinations'],
  [/^ms-/, 'modelscope'],
  [/^bce-v3\//, 'qianfan'],
  [/^eyJ/, 'minimax'],
  [/^[0-9a-f]{32}:/, 'cloudflare'],
];

/**
 * Provider ids whose key shape matches a pasted text, best first: an issuer's own prefix before generic shapes
 * (`sk-or-v1-…` is OpenRouter before it is any `sk-…`), then the order of the table. Empty when nothing matches;
 * a hint only, never a reason to refuse a key.
 */
export function recogniseKey(text: string): string[] {
  const key = cleanPastedKey(text);
  if (key.length < 8) return [];
  const matches = PROVIDERS.filter((spec) => spec.keyShape?.test(key)).map((spec) => spec.id);
  const own = OWN_PREFIXES.find(([prefix]) => prefix.test(key))?.[1];
  if (own === undefined || !matches.includes(own)) return matches;
  return [own, ...matches.filter((id) => id !== own)];
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

/** What examples have in a key's place (`gsk_…`, `sk-...`, `<your key>`, `YOUR_API_KEY`), pasted as it stood. */
export function isPlaceholder(text: string): boolean {
  return /…|\.{3}$|^<.*>$|^your[-_ ]/i.test(text);
}
