import { InvalidAmountError } from '../errors.ts';
import { type Currency, exponentOf } from './catalogue.ts';

export { InvalidAmount, InvalidAmountError } from '../errors.ts';

/** An exact amount of money. Never a float: 50,000 XAF is `{ amountMinor: 50_000n, currency: 'XAF' }`, 500.00 KES `50_000n`. */
export interface Money {
  /** How many of the currency's smallest units: 1 XAF is 1, 1 KES is 100 (ISO 4217). */
  readonly amountMinor: bigint;
  /** ISO 4217, such as `XAF`. */
  readonly currency: string;
  /** What `JSON.stringify` writes. There on every Money that this package makes; one that you write needs none. */
  toJSON?(): MoneyJson;
}

/** Money as JSON: `{"amount":"500.00","currency":"KES"}`. */
export interface MoneyJson {
  /** Decimal text in the currency's units, with exactly its digits: "50000" XAF, "500.00" KES. */
  amount: string;
  /** ISO 4217, such as `XAF`. */
  currency: string;
}

/** Money with what logs and `JSON.stringify` need: a bigint alone makes JSON.stringify throw. */
class ExactMoney implements Money {
  readonly amountMinor: bigint;
  readonly currency: string;

  constructor(amountMinor: bigint, currency: string) {
    this.amountMinor = amountMinor;
    this.currency = currency;
  }

  toJSON(): MoneyJson {
    return { amount: formatAmount(this), currency: this.currency };
  }

  toString(): string {
    return `${formatAmount(this)} ${this.currency}`;
  }
}

/** Money from the smallest units of a currency, with a `toJSON`. */
export function moneyOf(amountMinor: bigint, currency: string): Money {
  return new ExactMoney(amountMinor, currency);
}

// Longer texts cannot be money; the limit keeps bigint arithmetic on input cheap.
const MAX_CHARACTERS = 40;
const PLAIN_DECIMAL = /^(?<whole>0|[1-9][0-9]*)(?:\.(?<fraction>[0-9]+))?$/;
// In half of the countries 500.000 is half a million. No currency here has three decimals, so whoever writes them means that.
const THOUSANDS_OR_DECIMALS = /^[1-9][0-9]{0,2}\.[0-9]{3}$/;
const JSON_DECIMAL = /^(?<sign>-?)(?<whole>0|[1-9][0-9]*)(?:\.(?<fraction>[0-9]+))?(?:[eE](?<exponent>[+-]?[0-9]{1,2}))?$/;
// KPay shows amounts of currencies that are not in our catalogue; nearly all of the world's have two digits.
const USUAL_EXPONENT = 2;

/**
 * Reads an amount that a person or a service gave: 50000, "50000" and "50000.00" are the same 50,000 XAF.
 *
 * @param input a number, taken by its shortest decimal text, or ASCII digits with an optional fraction. No signs,
 *   exponents, separators or spaces: an amount that needs interpreting is refused, and so is a bigint, which could count
 *   units or smallest units.
 * @param currency ISO 4217, one of the catalogue.
 * @throws InvalidAmountError when it is not above zero, not such text, or finer than the currency's smallest unit.
 */
export function parseAmount(input: string | number, currency: Currency): Money {
  const exponent = exponentOf(currency);
  if (exponent === undefined) throw new InvalidAmountError(`must be in a known currency, not ${String(currency).slice(0, 10)}`);
  if (typeof input !== 'string' && typeof input !== 'number') {
    throw new InvalidAmountError('must be a number or a decimal string, such as 50000 or "1500.50"');
  }
  const { whole, fraction } = plainDecimal(input);
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > exponent) {
    throw new InvalidAmountError(
      exponent === 0 ? `must be a whole number of ${currency}` : `must have at most ${exponent} decimals in ${currency}`,
    );
  }
  const amountMinor = BigInt(whole + significant.padEnd(exponent, '0'));
  if (amountMinor === 0n) throw new InvalidAmountError('must be above zero');
  return moneyOf(amountMinor, currency);
}

function plainDecimal(input: string | number): { whole: string; fraction: string } {
  if (typeof input === 'string' && THOUSANDS_OR_DECIMALS.test(input)) {
    const [whole, three] = input.split('.');
    throw new InvalidAmountError(`can be read in two ways: write "${whole}${three}" or "${whole}.${three?.slice(0, 2)}"`);
  }
  if (typeof input === 'number' && Math.abs(input) > Number.MAX_SAFE_INTEGER) {
    throw new InvalidAmountError('must be a decimal string when it is that large');
  }
  const text = String(input);
  const parts = text.length <= MAX_CHARACTERS ? PLAIN_DECIMAL.exec(text)?.groups : undefined;
  if (!parts) throw new InvalidAmountError('must be a positive decimal number, such as 50000 or "1500.50"');
  return { whole: parts.whole ?? '', fraction: parts.fraction ?? '' };
}

/** The amount as decimal text with exactly its currency's digits: "50000", "1500.50". */
export function formatAmount({ amountMinor, currency }: Money): string {
  const exponent = exponentOf(currency) ?? USUAL_EXPONENT;
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  const fraction = exponent === 0 ? '' : `.${digits.slice(-exponent)}`;
  return `${amountMinor < 0n ? '-' : ''}${whole}${fraction}`;
}

/** What KPay transfers at once: 100 to 10,000,000 units of the source currency (its documentation of the transfer). */
export function transferBounds(currency: string): { least: Money; most: Money } {
  return { least: parseAmount(100, currency), most: parseAmount(10_000_000, currency) };
}

/**
 * Reads an amount that KPay shows, from the decimal text of its JSON number. Digits finer than the currency's
 * smallest unit are cut off towards minus infinity, so that a balance is never believed higher than it is.
 * @throws InvalidAmountError when the text is not a JSON number.
 */
export function readAmount(text: string, currency: string): Money {
  const { digits, scale } = jsonDecimal(text);
  const exponent = exponentOf(currency) ?? USUAL_EXPONENT;
  return moneyOf(shift(digits, exponent - scale), currency);
}

/**
 * Reads an exchange rate: one unit of the source currency is `rate` units of the destination currency.
 * @returns plain decimal text without trailing zeros: "1.0153", "1".
 * @throws InvalidAmountError when it is not a number above zero.
 */
export function parseRate(input: string | number): string {
  const { digits, scale } = jsonDecimal(String(input));
  if (digits <= 0n) throw new InvalidAmountError('must be above zero');
  const padded = digits.toString().padStart(scale + 1, '0');
  const whole = padded.slice(0, padded.length - scale);
  const fraction = padded.slice(padded.length - scale).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  // Longer ones could not be read again, nor compared.
  if (text.length > MAX_CHARACTERS) throw new InvalidAmountError(`must have at most ${MAX_CHARACTERS} digits`);
  return text;
}

/** Below zero when rate `a` is lower than `b`, zero when they are equal, above zero when it is higher. */
export function compareRates(a: string, b: string): number {
  const left = jsonDecimal(a);
  const right = jsonDecimal(b);
  const scale = Math.max(left.scale, right.scale);
  const difference = shift(left.digits, scale - left.scale) - shift(right.digits, scale - right.scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * What an amount is worth at a rate, rounded down to the destination's smallest unit. An estimate: KPay rounds the
 * rate it shows, so the credited amount can differ.
 */
export function convert(money: Money, rate: string, currency: string): Money {
  const { digits, scale } = jsonDecimal(rate);
  const from = exponentOf(money.currency) ?? USUAL_EXPONENT;
  const to = exponentOf(currency) ?? USUAL_EXPONENT;
  return moneyOf(shift(money.amountMinor * digits, to - from - scale), currency);
}

/** The number as `digits` × 10^-`scale`, with a scale of at least zero. */
function jsonDecimal(text: string): { digits: bigint; scale: number } {
  const parts = text.length <= MAX_CHARACTERS ? JSON_DECIMAL.exec(text)?.groups : undefined;
  if (!parts) throw new InvalidAmountError('must be a decimal number');
  const fraction = parts.fraction ?? '';
  const magnitude = BigInt((parts.whole ?? '') + fraction);
  const digits = parts.sign === '-' ? -magnitude : magnitude;
  const scale = fraction.length - Number(parts.exponent ?? 0);
  return scale >= 0 ? { digits, scale } : { digits: shift(digits, -scale), scale: 0 };
}

/** `value` × 10^`places`, rounded towards minus infinity. */
function shift(value: bigint, places: number): bigint {
  if (places >= 0) return value * 10n ** BigInt(places);
  const divisor = 10n ** BigInt(-places);
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}
