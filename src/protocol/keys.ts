export type KeyHealthStatus = 'unknown' | 'healthy' | 'rate_limited' | 'invalid' | 'error';

/** A key as `/api/keys` shows it: never the secret. */
export interface KeyView {
  id: string;
  provider: string;
  label: string;
  /** Last four characters, `…9Qx2`; `(no key needed)` for keyless providers. */
  mask: string;
  enabled: boolean;
  health: { status: KeyHealthStatus; message: string | null; checkedAt: number | null };
  limits: Record<string, number>;
  /** Restricts the key to these models; null for all. */
  models: string[] | null;
  /** It is in the config file, and only changed there. */
  isFixed: boolean;
}

/** What a key check found (`POST /api/keys/{id}/test`, and `POST /api/keys` with `"check": true`). */
export interface KeyCheck {
  status: 'healthy' | 'invalid' | 'inconclusive';
  /** The provider's own words, or ours. */
  message: string;
  /** Models the provider listed for this key, where it did. */
  models: number | null;
  /** Their ids, at most 500 of them. */
  modelIds: string[] | null;
}
