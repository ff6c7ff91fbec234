import { UnknownCountryError } from '../errors.ts';

export { UnknownCountry, UnknownCountryError } from '../errors.ts';

// What KPay's page and documentation list of countries, currencies and providers ("Countries, currencies,
// decimals"). It decides what we accept; it never decides that an answer of KPay's is wrong.

/** Decimal digits of each currency's smallest unit, by ISO 4217. The last lines are currencies KPay quotes rates for. */
const EXPONENTS = {
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
} as const;

const CURRENCIES_BY_COUNTRY = {
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
} as const;

/** Countries whose providers the page's examples show, and no wallet. */
const COUNTRIES_WITHOUT_WALLET = ['GHA'] as const;

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
  // Only in the page's example of availability.
  MTN_MOMO_GHA: 'not documented',
  VODAFONE_GHA: 'not documented',
} as const;

/** A value that KPay documents, with completion, or one that is new: KPay adds values without a new version. */
export type OpenUnion<Known extends string> = Known | (string & {});

/** ISO 3166-1 alpha-3: the countries whose wallets KPay documents (COD holds CDF and USD), GHA of the page's examples, or another. */
export type Country = OpenUnion<keyof typeof CURRENCIES_BY_COUNTRY | (typeof COUNTRIES_WITHOUT_WALLET)[number]>;

/** ISO 4217: the currencies of KPay's wallets, EUR, GHS and NGN, which it quotes rates for, or another. */
export type Currency = OpenUnion<keyof typeof EXPONENTS>;

/** A pawaPay provider code as KPay writes it, such as `MTN_MOMO_CMR`: one that KPay documents, or another. */
export type ProviderCode = OpenUnion<keyof typeof DECIMALS_BY_PROVIDER>;

/** What an operator can do: money in (`DEPOSIT`), money out (`PAYOUT`), `REMITTANCE`, or something new. */
export type OperationType = OpenUnion<'DEPOSIT' | 'PAYOUT' | 'REMITTANCE'>;

/**
 * How an operation of an operator is: `OPERATIONAL` (fully), `DELAYED` (works, with abnormal delays), `CLOSED` (temporarily
 * not available), or something new, which means unknown and never closed.
 */
export type ProviderStatus = OpenUnion<'OPERATIONAL' | 'DELAYED' | 'CLOSED'>;

/** A mobile-money operator of KPay's documentation. */
export interface Provider {
  /** The pawaPay provider code, such as `MTN_MOMO_CMR`. */
  code: ProviderCode;
  /** ISO 3166-1 alpha-3. */
  country: Country;
  /** How many decimals of an amount it accepts, which can be more than the currency has. */
  decimals: 0 | 2 | 'depends on the operation' | 'not documented';
}

/** The countries that hold a wallet, ISO 3166-1 alpha-3. */
export const countries: readonly string[] = Object.keys(CURRENCIES_BY_COUNTRY);

/** The providers of KPay's page and documentation. Others appear in its answers. */
export const providers: readonly Provider[] = Object.entries(DECIMALS_BY_PROVIDER).map(([code, decimals]) => ({
  code,
  country: code.slice(-3),
  decimals,
}));

/** The operations KPay documents a status for: DEPOSIT, PAYOUT, REMITTANCE. */
export const operationTypes: readonly OperationType[] = ['DEPOSIT', 'PAYOUT', 'REMITTANCE'];

/** The statuses KPay documents: OPERATIONAL, DELAYED, CLOSED. Another one means unknown, never closed. */
export const providerStatuses: readonly ProviderStatus[] = ['OPERATIONAL', 'DELAYED', 'CLOSED'];

/** Whether the page or the documentation names this country; one without a wallet included (GHA). */
export function isKnownCountry(country: string): boolean {
  return countries.includes(country) || (COUNTRIES_WITHOUT_WALLET as readonly string[]).includes(country);
}

/** The currencies of a country's wallets; none for a country we do not know. */
export function currenciesOf(country: Country): readonly string[] {
  return isWalletCountry(country) ? CURRENCIES_BY_COUNTRY[country] : [];
}

function isWalletCountry(country: string): country is keyof typeof CURRENCIES_BY_COUNTRY {
  return Object.hasOwn(CURRENCIES_BY_COUNTRY, country);
}

/**
 * The one currency of a country's wallet.
 * @throws UnknownCountryError for a country that is not listed or that holds several currencies (COD: CDF and USD).
 */
export function currencyOf(country: Country): string {
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
export function exponentOf(currency: Currency): number | undefined {
  return isKnownCurrency(currency) ? EXPONENTS[currency] : undefined;
}

function isKnownCurrency(currency: string): currency is keyof typeof EXPONENTS {
  return Object.hasOwn(EXPONENTS, currency);
}
