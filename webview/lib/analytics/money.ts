import { locale } from '../l10n.js';

/** US dollars: `$1,240`, `$11.40`, `$0.42`, `$0.0031`: what is little keeps two digits that say something. */
export function dollars(usd: number): string {
  const options: Intl.NumberFormatOptions = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' };
  if (usd === 0 || usd >= 0.1) {
    const digits = usd >= 1000 ? 0 : 2;
    return new Intl.NumberFormat(locale, {
      ...options,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(usd);
  }
  return new Intl.NumberFormat(locale, {
    ...options,
    minimumFractionDigits: 0,
    maximumSignificantDigits: 2,
  }).format(usd);
}
