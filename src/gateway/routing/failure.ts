/** The kinds of the failure policy (docs/routing.md); one row each in `failurePolicy.ts`. */
export type FailureKind =
  | 'auth'
  | 'credit'
  | 'forbidden'
  | 'challenge'
  | 'gone'
  | 'daily_quota'
  | 'rate_limit'
  | 'overloaded'
  | 'network'
  | 'slow'
  | 'too_large'
  | 'bad_request'
  | 'empty';

/** What one attempt ended in, classified. */
export interface Failure {
  kind: FailureKind;
  /** Upstream HTTP status; null when none came. */
  status: number | null;
  /** The provider's own words, redacted, at most 500 characters; what a user may read. */
  message: string;
  /** When the provider said to come back, in ms from now; null when it did not say. */
  retryAfterMs: number | null;
  /**
   * `gone`: true when the provider itself said the model ended for good (410, end-of-life wording); false, set
   * explicitly, when the 404 says nothing of the model (an HTML page: a wrong base URL) and must not count towards it.
   */
  isFinal?: boolean;
  /** A prompt token limit the provider stated (`too_large`), or a per-minute one. */
  statedLimit?: { axis: 'context' | 'tpm' | 'tpd' | 'rpm' | 'rpd'; value: number };
}
