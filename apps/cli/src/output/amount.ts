import { currencyOf, UnknownCountry } from '@kpay/core/catalogue';
import { usage } from '../framework/failure.ts';
import { countryOf } from './countries.ts';

/** Spaces that people put between thousands: usual, not breaking, narrow, thin. */
const SPACES = /[ \u00a0\u202f\u2009]/g;
const MAX_CHARACTERS = 40;

/**
 * Reads an amount as people write it: `50000`, `50 000`, `50000.00`, `50 000,50`, `1,500.50`, `1.500.000`, `50 000 XAF`.
 *
 * @returns the plain decimal text that the API takes.
 * @throws Failure (2) when it is no amount, of another currency, or has two readings, as `1.500` and `1,500` have.
 */
export function readAmount(text: string, flag: string, currency?: string): string {
  const [, figures = '', named] = /^\s*(.*?)\s*([A-Z]{3})?\s*$/s.exec(text.slice(0, MAX_CHARACTERS + 1)) ?? [];
  if (named !== undefined && currency !== undefined && named !== currency) {
    throw usage({
      en: `${flag} is in ${named}, and this wallet holds ${currency}`,
      fr: `${flag} est en ${named}, et ce portefeuille est en ${currency}`,
    });
  }
  if (text.length > MAX_CHARACTERS) throw noAmount(flag);
  const plain = plainOf(figures, flag);
  if (plain === undefined) throw noAmount(flag);
  return plain;
}

function plainOf(figures: string, flag: string): string | undefined {
  if (figures.search(SPACES) >= 0) {
    // One kind of space between groups of three; what follows is a decimal mark.
    if (!/^\d{1,3}(?:([ \u00a0\u202f\u2009])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?$/.test(figures)) return undefined;
    return figures.replaceAll(SPACES, '').replace(',', '.');
  }
  if (/^\d+(?:\.\d+)?$/.test(figures) && !/^[1-9]\d{0,2}\.\d{3}$/.test(figures)) return withoutZeros(figures);
  const [, whole = '', three = ''] = /^([1-9]\d{0,2})[.,](\d{3})$/.exec(figures) ?? [];
  if (whole !== '') {
    throw usage({
      en: `${flag} ${figures} can be read in two ways: write ${whole}${three} or ${whole}.${three.slice(0, 2)}`,
      fr: `${flag} ${figures} se lit de deux façons : écrivez ${whole}${three} ou ${whole},${three.slice(0, 2)}`,
    });
  }
  if (/^\d+,\d{1,2}$/.test(figures)) return withoutZeros(figures.replace(',', '.'));
  if (/^[1-9]\d{0,2}(?:,\d{3})+\.\d{1,2}$/.test(figures) || /^[1-9]\d{0,2}(?:,\d{3}){2,}$/.test(figures)) {
    return figures.replaceAll(',', '');
  }
  if (/^[1-9]\d{0,2}(?:\.\d{3})+,\d{1,2}$/.test(figures) || /^[1-9]\d{0,2}(?:\.\d{3}){2,}$/.test(figures)) {
    return figures.replaceAll('.', '').replace(',', '.');
  }
  return undefined;
}

/** The API takes no zeros before the whole part. */
function withoutZeros(figures: string): string {
  return figures.replace(/^0+(?=\d)/, '');
}

function noAmount(flag: string) {
  return usage({
    en: `${flag} must be an amount such as 50000, "50 000" or 1500.50`,
    fr: `${flag} doit être un montant comme 50000, "50 000" ou 1500,50`,
  });
}

export type Country = 'BEN' | 'CIV' | 'CMR' | 'COG' | 'GAB' | 'KEN' | 'RWA' | 'SEN' | 'SLE' | 'UGA' | 'ZMB';

/** A country's code and its wallet's currency, by its code or its name. @throws Failure (2) */
export function readCountry(text: string, flag: string): { country: Country; currency: string } {
  const code = countryOf(text) ?? text.toUpperCase();
  try {
    return { currency: currencyOf(code), country: code as Country };
  } catch (error) {
    if (!(error instanceof UnknownCountry)) throw error;
    throw usage({ en: `${flag} ${error.message}`, fr: `${flag} : ${error.message}` });
  }
}
