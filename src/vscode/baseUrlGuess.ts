/** Ends of a pasted address that belong to one call, not to the base of all. */
const CALLS = /\/(?:chat\/completions|completions|models|embeddings)\/?$/;

/**
 * What a pasted address may mean, likeliest first: the address itself without a call at its end, then with `/v1` where
 * it has no version of its own. Servers are asked in this order.
 */
export function baseUrlGuesses(address: string): string[] {
  const base = address.trim().replace(CALLS, '').replace(/\/+$/, '');
  return /\/v\d+\w*(?:\/|$)/.test(base) ? [base] : [base, `${base}/v1`];
}
