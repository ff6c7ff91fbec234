import { Refusal } from './answer.ts';
import { type Country, countries } from './catalogue.ts';

/** Who serves a phone number, as the endpoint says it. */
export interface Prediction {
  country: string;
  provider: string;
  phoneNumber: string;
}

const predictions: readonly Prediction[] = countries
  .flatMap((country) => country.operators.map((operator, rank) => ({ country, operator, rank })))
  // The numbers of KPay's own documentation come first: some in national form are those of two countries.
  .sort((a, b) => a.rank - b.rank)
  .flatMap(({ country, operator }) =>
    operator.sandboxNumbers.map((phoneNumber) => ({ country: country.code, provider: operator.provider, phoneNumber })),
  );

const byNumber: ReadonlyMap<string, Prediction> = new Map(predictions.map((each) => [each.phoneNumber, each]));

/** National forms: without the country's code and without leading zeros. The first country that has one keeps it. */
const byNationalNumber: ReadonlyMap<string, Prediction> = new Map(
  predictions.toReversed().map((each) => [nationalOf(each), each]),
);

/**
 * Who serves a number, in national or international form. In TEST only sandbox numbers are known (page); in PRODUCTION
 * every international number of a country's length is, and the operator whose numbers are most like it is the guess.
 * Throws Refusal 400.
 */
export function predictProvider(phoneNumber: string, environment: 'TEST' | 'PRODUCTION'): Prediction {
  const digits = phoneNumber.replace(/^\+/, '').replace(/[\s-]/g, '');
  if (!/^\d{7,15}$/.test(digits)) throw new Refusal(400, 'Invalid phone number format');
  const bare = withoutLeadingZeros(digits);
  const known = byNumber.get(bare) ?? byNationalNumber.get(bare);
  if (known) return { ...known };
  const guess = environment === 'PRODUCTION' ? guessOperator(bare) : undefined;
  if (guess) return { ...guess, phoneNumber: bare };
  throw new Refusal(400, 'Phone number not recognized or operator not supported');
}

function guessOperator(number: string): Prediction | undefined {
  const country = countries.find(
    ({ dialCode, operators }) =>
      number.startsWith(dialCode) && operators.some(({ sandboxNumbers: [first = ''] }) => first.length === number.length),
  );
  if (!country) return undefined;
  const alike = (numbers: readonly string[]) => Math.max(...numbers.map((each) => sharedDigits(each, number)));
  const [operator] = country.operators.toSorted((a, b) => alike(b.sandboxNumbers) - alike(a.sandboxNumbers));
  return operator && { country: country.code, provider: operator.provider, phoneNumber: number };
}

/** How many digits two numbers have in common from the left. */
function sharedDigits(one: string, other: string): number {
  let count = 0;
  while (count < one.length && one[count] === other[count]) count += 1;
  return count;
}

function nationalOf({ country, phoneNumber }: Prediction): string {
  return withoutLeadingZeros(phoneNumber.slice(dialCodeOf(country).length));
}

function dialCodeOf(code: Country['code']): string {
  return countries.find((each) => each.code === code)?.dialCode ?? '';
}

function withoutLeadingZeros(digits: string): string {
  return digits.replace(/^0+/, '');
}
