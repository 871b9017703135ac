/** A provider as the Add Key picker and the pages see it (`GET /api/providers`); those of the user's own come last. */
export interface ProviderView {
  id: string;
  name: string;
  /** One line: what the free tier offers. */
  offers: string;
  /** Where it is asked; may contain `{account_id}`. */
  baseUrl: string;
  keyUrl: string | null;
  /** Needs no key at all: it is only switched on. */
  isKeyless: boolean;
  /** The key is an account id and a token (Cloudflare). */
  hasAccountId: boolean;
  /** Source of a regular expression a pasted key of this provider matches; null if its keys have no shape. */
  keyPattern: string | null;
  terms: { note: string; asOf: string } | null;
  keys: number;
  models: number;
}
