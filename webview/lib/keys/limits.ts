/** The limits that a user may set for a key. */
export const LIMIT_KINDS = ['rpm', 'rpd', 'tpm', 'tpd'] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** What was typed as a whole number: `1 000`, `1,000`, `5k`, `1.5 M`; null for none, undefined for nonsense. */
export function readLimit(text: string): number | null | undefined {
  const bare = text.replace(/[\s_ ]/g, '').toLowerCase();
  if (bare === '' || bare === '0' || bare === '–' || bare === '-') return null;
  const [, digits = '', unit = ''] = /^(\d[\d.,]*)([kmg]?)$/.exec(bare) ?? [];
  if (digits === '') return undefined;
  const scale = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[unit] ?? 1;
  // Without a unit dots and commas part thousands; before one a single one is the decimal sign.
  const isDecimal = unit !== '' && /^\d+[.,]\d{1,2}$/.test(digits);
  const value = isDecimal ? Number(digits.replace(',', '.')) : Number(digits.replace(/[.,]/g, ''));
  const limit = Math.round(value * scale);
  return Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
}

/** A key's limits with one of them as typed; null where nothing changes. */
export function changedLimits(
  limits: Readonly<Record<string, number>>,
  kind: LimitKind,
  text: string,
): Record<string, number> | null {
  const limit = readLimit(text);
  if (limit === undefined || limit === (limits[kind] ?? null)) return null;
  const { [kind]: _before, ...others } = limits;
  return limit === null ? others : { ...others, [kind]: limit };
}
