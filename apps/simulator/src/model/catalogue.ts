/** Minor-unit digits (ISO 4217) of every currency a wallet can hold. */
const decimalsByCurrency: Readonly<Record<string, number>> = {
  XAF: 0,
  XOF: 0,
  KES: 2,
  RWF: 0,
  UGX: 0,
  ZMW: 2,
  SLE: 2,
  CDF: 2,
  USD: 2,
};

export interface Country {
  code: string;
  /** COD is the only country with two. */
  currencies: readonly string[];
  dialCode: string;
  /** The documented sandbox number that completes, and the provider it belongs to. */
  sandboxNumber: string;
  sandboxProvider: string;
  providers: readonly string[];
}

/** The twelve countries, written from the documentation's tables, without a look at what the client packages hold. */
export const countries: readonly Country[] = [
  country('CMR', ['XAF'], '237', '237653456789', ['MTN_MOMO_CMR', 'ORANGE_CMR']),
  country('GAB', ['XAF'], '241', '24174345678', ['AIRTEL_GAB']),
  country('COG', ['XAF'], '242', '242053456789', ['AIRTEL_COG', 'MTN_MOMO_COG']),
  country('SEN', ['XOF'], '221', '221763456789', ['FREE_SEN', 'ORANGE_SEN']),
  country('CIV', ['XOF'], '225', '2250503456789', ['MTN_MOMO_CIV', 'ORANGE_CIV']),
  country('BEN', ['XOF'], '229', '22951345789', ['MTN_MOMO_BEN', 'MOOV_BEN']),
  country('KEN', ['KES'], '254', '254703456789', ['MPESA_KEN']),
  country('RWA', ['RWF'], '250', '250733456789', ['AIRTEL_RWA', 'MTN_MOMO_RWA']),
  country('UGA', ['UGX'], '256', '256753456789', ['AIRTEL_OAPI_UGA', 'MTN_MOMO_UGA']),
  country('ZMB', ['ZMW'], '260', '260973456789', ['AIRTEL_OAPI_ZMB', 'MTN_MOMO_ZMB', 'ZAMTEL_ZMB']),
  country('SLE', ['SLE'], '232', '23276123456', ['ORANGE_SLE']),
  country('COD', ['CDF', 'USD'], '243', '243813456789', ['VODACOM_MPESA_COD', 'AIRTEL_COD', 'ORANGE_COD']),
];

/** The sandbox provider stands first in `providers`. */
function country(
  code: string,
  currencies: string[],
  dialCode: string,
  sandboxNumber: string,
  providers: [string, ...string[]],
): Country {
  return { code, currencies, dialCode, sandboxNumber, sandboxProvider: providers[0], providers };
}

export function findCountry(code: string): Country | undefined {
  return countries.find((each) => each.code === code);
}

/** Minor-unit digits of a wallet's currency; throws on a currency outside the catalogue, which no wallet can hold. */
export function decimalsOf(currency: string): number {
  const decimals = decimalsByCurrency[currency];
  if (decimals === undefined) throw new RangeError(`no wallet can hold ${currency}`);
  return decimals;
}
