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

/** An operator of mobile money, by its provider code. */
export interface Operator {
  provider: string;
  /** Test numbers, in international form without a plus; the one whose payments complete stands first. */
  sandboxNumbers: readonly string[];
}

/** A country of KPay's operators. */
export interface Country {
  /** ISO 3166-1 alpha-3. */
  code: string;
  /** Of its wallets: COD is the only country with two, GHA has none. */
  currencies: readonly string[];
  dialCode: string;
  /** The operator of KPay's documented sandbox number stands first. */
  operators: readonly Operator[];
}

/**
 * The last three digits of a sandbox number choose the outcome of a payment: these fail, and 129 stays submitted (docs). The
 * number is known whatever its outcome.
 */
const DOCUMENTED_ENDINGS = ['039', '049', '069', '119', '129'];

/**
 * The countries whose operators KPay shows, written from the documentation's tables, without a look at what the client packages
 * hold. The first operator's number is in KPay's documentation; those of the others are pawaPay's, whose provider codes KPay uses
 * (docs.pawapay.io/v2/docs/test_numbers, read in November 2026).
 */
export const countries: readonly Country[] = [
  country('CMR', ['XAF'], '237', {
    // 019, 029 and 089 are in the public copy of KPay's text, 237670000001 is a sample of its page.
    MTN_MOMO_CMR: [...numbers('237653456789', [...DOCUMENTED_ENDINGS, '019', '029', '089']), '237670000001'],
    ORANGE_CMR: numbers('237693456789'),
  }),
  country('GAB', ['XAF'], '241', { AIRTEL_GAB: numbers('24174345678') }),
  country('COG', ['XAF'], '242', { AIRTEL_COG: numbers('242053456789'), MTN_MOMO_COG: numbers('242063456789') }),
  country('SEN', ['XOF'], '221', { FREE_SEN: numbers('221763456789'), ORANGE_SEN: numbers('221773456789') }),
  country('CIV', ['XOF'], '225', {
    MTN_MOMO_CIV: numbers('2250503456789'),
    ORANGE_CIV: numbers('2250734567890', ['030', '130']),
  }),
  country('BEN', ['XOF'], '229', { MTN_MOMO_BEN: numbers('22951345789'), MOOV_BEN: numbers('22995345789', ['639', '679']) }),
  country('KEN', ['KES'], '254', { MPESA_KEN: numbers('254703456789') }),
  country('RWA', ['RWF'], '250', { AIRTEL_RWA: numbers('250733456789'), MTN_MOMO_RWA: numbers('250783456789') }),
  country('UGA', ['UGX'], '256', { AIRTEL_OAPI_UGA: numbers('256753456789'), MTN_MOMO_UGA: numbers('256783456789') }),
  country('ZMB', ['ZMW'], '260', {
    AIRTEL_OAPI_ZMB: numbers('260973456789'),
    // The other sample of KPay's page.
    MTN_MOMO_ZMB: numbers('260763456789'),
    ZAMTEL_ZMB: numbers('260953456700', ['704', '712', '789']),
  }),
  country('SLE', ['SLE'], '232', { ORANGE_SLE: numbers('23276123456') }),
  country('COD', ['CDF', 'USD'], '243', {
    VODACOM_MPESA_COD: numbers('243813456789'),
    AIRTEL_COD: numbers('243973456789'),
    ORANGE_COD: numbers('243893456789'),
  }),
  // On KPay's page as a country of operators; no wallet of it is documented.
  country('GHA', [], '233', { MTN_MOMO_GHA: numbers('233593456789'), VODAFONE_GHA: numbers('233503456789') }),
];

/** A number whose payments complete, and those of the same stem that end otherwise. */
function numbers(completing: string, endings: readonly string[] = DOCUMENTED_ENDINGS): string[] {
  return [completing, ...endings.map((ending) => completing.slice(0, -3) + ending)];
}

function country(
  code: string,
  currencies: string[],
  dialCode: string,
  operators: Readonly<Record<string, readonly string[]>>,
): Country {
  return {
    code,
    currencies,
    dialCode,
    operators: Object.entries(operators).map(([provider, sandboxNumbers]) => ({ provider, sandboxNumbers })),
  };
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
