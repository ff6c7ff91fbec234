import { UnknownCountryError } from '../errors.ts';

export { UnknownCountry, UnknownCountryError } from '../errors.ts';

// What KPay's documentation lists of countries, currencies and providers ("Countries, currencies,
// decimals"). It decides what we accept; it never decides that an answer of KPay's is wrong.

/** Decimal digits of each currency's smallest unit, by ISO 4217. The last lines are currencies KPay quotes rates for. */
const EXPONENTS: Readonly<Record<string, number>> = {
  XAF: 0,
  XOF: 0,
  KES: 2,
  RWF: 0,
  UGX: 0,
  ZMW: 2,
  SLE: 2,
  CDF: 2,
  USD: 2,
  EUR: 2,
  GHS: 2,
  NGN: 2,
};

const CURRENCIES_BY_COUNTRY: Readonly<Record<string, readonly string[]>> = {
  BEN: ['XOF'],
  CIV: ['XOF'],
  CMR: ['XAF'],
  COD: ['CDF', 'USD'],
  COG: ['XAF'],
  GAB: ['XAF'],
  KEN: ['KES'],
  RWA: ['RWF'],
  SEN: ['XOF'],
  SLE: ['SLE'],
  UGA: ['UGX'],
  ZMB: ['ZMW'],
};

const COUNTRIES_BY_PREFIX: Readonly<Record<string, string>> = {
  221: 'SEN',
  225: 'CIV',
  229: 'BEN',
  232: 'SLE',
  237: 'CMR',
  241: 'GAB',
  242: 'COG',
  243: 'COD',
  250: 'RWA',
  254: 'KEN',
  256: 'UGA',
  260: 'ZMB',
};

/** A mobile-money operator; `decimals` is what it accepts, which can be more than the currency has. */
export interface Provider {
  code: string;
  country: string;
  decimals: 0 | 2 | 'depends on the operation';
}

const DECIMALS_BY_PROVIDER = {
  MTN_MOMO_BEN: 0,
  MOOV_BEN: 0,
  MTN_MOMO_CMR: 0,
  ORANGE_CMR: 0,
  MTN_MOMO_CIV: 0,
  ORANGE_CIV: 0,
  AIRTEL_COG: 0,
  MTN_MOMO_COG: 0,
  AIRTEL_RWA: 0,
  MTN_MOMO_RWA: 0,
  FREE_SEN: 0,
  ORANGE_SEN: 0,
  AIRTEL_OAPI_UGA: 0,
  AIRTEL_GAB: 2,
  AIRTEL_COD: 2,
  ORANGE_COD: 2,
  ORANGE_SLE: 2,
  MTN_MOMO_UGA: 2,
  AIRTEL_OAPI_ZMB: 2,
  MTN_MOMO_ZMB: 2,
  ZAMTEL_ZMB: 2,
  VODACOM_MPESA_COD: 'depends on the operation',
  MPESA_KEN: 'depends on the operation',
} as const;

/** The countries that hold a wallet, ISO 3166-1 alpha-3. */
export const countries: readonly string[] = Object.keys(CURRENCIES_BY_COUNTRY);

/** The providers KPay documents. Others appear in its answers. */
export const providers: readonly Provider[] = Object.entries(DECIMALS_BY_PROVIDER).map(([code, decimals]) => ({
  code,
  country: code.slice(-3),
  decimals,
}));

/** The operations KPay documents a status for. */
export const operationTypes: readonly string[] = ['DEPOSIT', 'PAYOUT', 'REMITTANCE'];

/** The statuses KPay documents. Another one means unknown, never closed. */
export const providerStatuses: readonly string[] = ['OPERATIONAL', 'DELAYED', 'CLOSED'];

/** The currencies of a country's wallets; none for a country we do not know. */
export function currenciesOf(country: string): readonly string[] {
  return Object.hasOwn(CURRENCIES_BY_COUNTRY, country) ? (CURRENCIES_BY_COUNTRY[country] ?? []) : [];
}

/**
 * The one currency of a country's wallet.
 * @throws UnknownCountryError for a country that is not listed or that holds several currencies (COD: CDF and USD).
 */
export function currencyOf(country: string): string {
  const [currency, ...others] = currenciesOf(country);
  if (currency === undefined) throw new UnknownCountryError(`must be one of ${countries.join(', ')} (ISO 3166-1 alpha-3)`);
  if (others.length > 0) {
    throw new UnknownCountryError(
      `${country} holds ${[currency, ...others].join(' and ')}: which wallet is meant cannot be told`,
    );
  }
  return currency;
}

/** The country that an international number's first three digits dial; undefined for one that holds no wallet. */
export function countryOfPrefix(digits: string): string | undefined {
  return Object.hasOwn(COUNTRIES_BY_PREFIX, digits) ? COUNTRIES_BY_PREFIX[digits] : undefined;
}

/** How many decimal digits a currency has by ISO 4217; undefined for a currency outside the catalogue. */
export function exponentOf(currency: string): number | undefined {
  return Object.hasOwn(EXPONENTS, currency) ? EXPONENTS[currency] : undefined;
}
