import * as z from 'zod';

const limit = z.number().int().nonnegative().optional();

/** What a user may allow at most, in requests (`r`) and tokens (`t`): a minute, an hour, a day, a calendar month (UTC). 0 is no limit. */
export const limitsSchema = z.strictObject({
  rpm: limit,
  rph: limit,
  rpd: limit,
  rpmonth: limit,
  tpm: limit,
  tpd: limit,
  tpmonth: limit,
});
