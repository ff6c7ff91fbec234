import { Refusal } from './answer.ts';
import { type Country, countries } from './catalogue.ts';

export interface Prediction {
  country: string;
  provider: string;
  phoneNumber: string;
}

/** The last three digits of a sandbox number choose the outcome of a payment; each of them is a known number. */
const outcomeEndings = ['039', '049', '069', '119', '129'];

const sandboxNumbers: ReadonlyMap<string, Country> = new Map(
  countries.flatMap((country) => {
    const stem = country.sandboxNumber.slice(0, -3);
    return [country.sandboxNumber, ...outcomeEndings.map((ending) => stem + ending)].map((number) => [number, country] as const);
  }),
);

/** National forms: without the country's code and without leading zeros. All of them differ between countries. */
const sandboxNationalNumbers: ReadonlyMap<string, string> = new Map(
  [...sandboxNumbers].map(([number, country]) => [withoutLeadingZeros(number.slice(country.dialCode.length)), number]),
);

/**
 * Who serves a number, in national or international form. In TEST only sandbox numbers are known (page); in PRODUCTION
 * every international number of a country's length is, and the country's first provider is the guess.
 * Throws Refusal 400.
 */
export function predictProvider(phoneNumber: string, environment: 'TEST' | 'PRODUCTION'): Prediction {
  const digits = phoneNumber.replace(/^\+/, '').replace(/[\s-]/g, '');
  if (!/^\d{7,15}$/.test(digits)) throw new Refusal(400, 'Invalid phone number format');
  const bare = withoutLeadingZeros(digits);
  const number = sandboxNumbers.has(bare) ? bare : sandboxNationalNumbers.get(bare);
  const country = number === undefined ? undefined : sandboxNumbers.get(number);
  if (number !== undefined && country) return prediction(country, number);
  const guess =
    environment === 'PRODUCTION' &&
    countries.find((each) => bare.startsWith(each.dialCode) && bare.length === each.sandboxNumber.length);
  if (guess) return prediction(guess, bare);
  throw new Refusal(400, 'Phone number not recognized or operator not supported');
}

function prediction(country: Country, phoneNumber: string): Prediction {
  return { country: country.code, provider: country.sandboxProvider, phoneNumber };
}

function withoutLeadingZeros(digits: string): string {
  return digits.replace(/^0+/, '');
}
