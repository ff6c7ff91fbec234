import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Tells what we wrote ourselves from what somebody else wrote into a store that others can reach. */
export interface Seal {
  /** The same parts in the same order always make the same text. */
  sign(parts: readonly string[]): string;
  /** Whether `signed` is what `sign` makes of the parts; compared in constant time. */
  isGenuine(parts: readonly string[], signed: string): boolean;
}

/**
 * A seal of all who have one KPay secret, which no store ever holds; from the seal nobody learns it. Which account's a value
 * is, stands in `parts`.
 */
export function createSeal(secretKey: string): Seal {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', 'kpay-ops shared values 1', 32));
  const digest = (parts: readonly string[]): Buffer => createHmac('sha256', key).update(JSON.stringify(parts)).digest();
  return {
    sign: (parts) => digest(parts).toString('base64'),
    isGenuine(parts, signed) {
      const expected = digest(parts);
      const given = Buffer.from(signed, 'base64');
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
