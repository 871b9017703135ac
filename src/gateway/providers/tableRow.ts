import type { ProviderSpec } from './spec.js';

/** What a row of the table must say itself; the rest has the usual values of an OpenAI-compatible provider. */
export type TableRow = Pick<ProviderSpec, 'id' | 'name' | 'baseUrl' | 'offers' | 'keyUrl'> & Partial<ProviderSpec>;

/** Reviewed by a comparable project; information, not advice. */
const TERMS_DATE = '2026-05';

export const FACTS = 'Provider facts of 2026-08-22, as a comparable open-source gateway (freellmapi, MIT) knew them';

/**
 * Completes a row: OpenAI wire, bearer key, `GET /models` both as the list of models and as the key probe, UTC days.
 */
export function row(spec: TableRow): ProviderSpec {
  return {
    wire: 'openai',
    auth: 'bearer',
    probe: { kind: 'models' },
    modelsPath: '/models',
    dayBoundary: 'utc',
    source: FACTS,
    ...spec,
  };
}

/** A reading of a provider's terms, with the date it was made. */
export function terms(note: string): { note: string; asOf: string } {
  return { note, asOf: TERMS_DATE };
}
