/** An exact decimal number: digits × 10^−scale. Money here never passes through floating point arithmetic. */
export interface Decimal {
  digits: bigint;
  scale: number;
}

const pattern = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Reads a JSON number or a decimal string exactly as it is printed; undefined when it is no finite decimal. */
export function parseDecimal(value: number | string): Decimal | undefined {
  const match = pattern.exec(String(value));
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${sign}${whole}${fraction}`);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** The amount in minor units; undefined when it is no decimal or finer than the currency. */
export function toMinor(value: number | string, decimals: number): bigint | undefined {
  const decimal = parseDecimal(value);
  if (!decimal) return undefined;
  const scaled = decimal.digits * 10n ** BigInt(decimals);
  const unit = 10n ** BigInt(decimal.scale);
  return scaled % unit === 0n ? scaled / unit : undefined;
}

export function formatMinor(minor: bigint, decimals: number): string {
  if (decimals === 0) return minor.toString();
  const sign = minor < 0n ? '-' : '';
  const text = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, '0');
  return `${sign}${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
}

/** amount × rate, rounded down to the destination's minor unit. */
export function convertMinor(amountMinor: bigint, fromDecimals: number, rate: Decimal, toDecimals: number): bigint {
  return (amountMinor * rate.digits * 10n ** BigInt(toDecimals)) / 10n ** BigInt(rate.scale + fromDecimals);
}
