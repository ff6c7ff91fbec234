import { InvalidArgumentError } from './errors.ts';

// What callers in JavaScript can get wrong, and types do not stop. Each check names the argument and what would do; it
// never shows the value, which may be a key or a phone number.

/** @throws InvalidArgumentError when `value` is no plain object, or has a field that is not in `known`. */
export function assertFields(argument: string, value: unknown, known: ReadonlySet<string>): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError(argument, `must be an object with ${listed(known)}, not ${kindOf(value)}`);
  }
  for (const field of Object.keys(value)) {
    if (!known.has(field))
      throw new InvalidArgumentError(`${argument}.${field.slice(0, 40)}`, `is not known: ${listed(known)} are`);
  }
}

/** @throws InvalidArgumentError when more arguments were given than the call takes. */
export function assertNoMore(call: string, surplus: readonly unknown[]): void {
  if (surplus.length > 0) throw new InvalidArgumentError(call, 'was given more arguments than it takes');
}

/** @throws InvalidArgumentError when `value` is no text of 1 to `maxCharacters` characters. */
export function assertText(argument: string, value: unknown, maxCharacters: number): asserts value is string {
  if (typeof value !== 'string') throw new InvalidArgumentError(argument, `must be a string, not ${kindOf(value)}`);
  if (value.trim() === '' || value.length > maxCharacters) {
    throw new InvalidArgumentError(argument, `must have 1 to ${maxCharacters} characters`);
  }
}

/** @throws InvalidArgumentError when `value` is no number from `min` to `max`. */
export function assertNumber(argument: string, value: unknown, min: number, max: number): asserts value is number {
  if (typeof value !== 'number') throw new InvalidArgumentError(argument, `must be a number, not ${kindOf(value)}`);
  if (value >= min && value <= max) return;
  const bounds = max === Number.POSITIVE_INFINITY ? `${min} or more` : `from ${min} to ${max}`;
  throw new InvalidArgumentError(argument, `must be ${bounds}`);
}

/** @throws InvalidArgumentError when `value` is no code of a currency. */
export function assertCurrency(argument: string, value: unknown): asserts value is string {
  assertText(argument, value, 3);
  if (!/^[A-Z]{3}$/.test(value)) throw new InvalidArgumentError(argument, 'must be an ISO 4217 code such as XAF');
}

/** @throws InvalidArgumentError when `value` is no AbortSignal. */
export function assertSignal(argument: string, value: unknown): asserts value is AbortSignal {
  if (!(value instanceof AbortSignal)) throw new InvalidArgumentError(argument, `must be an AbortSignal, not ${kindOf(value)}`);
}

/** What a value is, without what it says. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value === undefined) return 'undefined';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function listed(known: ReadonlySet<string>): string {
  return [...known].join(', ');
}
