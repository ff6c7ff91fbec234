import { ClosedError, InvalidArgumentError, InvalidTransferRequestError } from './errors.ts';
import { nameSchema } from './text.ts';

/*
 * Checks of what JavaScript callers can get wrong. Each throws InvalidArgumentError, which names the argument and says what would be
 * right, before anything is sent. No value is repeated in a message: it can be a secret.
 */

const ACCOUNT = /^[a-z0-9-]{1,32}$/;
const MAX_NAMED = 40;

/** The options as an object whose names are all known. */
export function parseOptions(argument: string, options: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(argument, `must be an object with ${known.join(', ')}, not ${kindOf(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `${argument}.${unknown.slice(0, MAX_NAMED)}`,
      `is not an option: there are ${known.join(', ')}`,
    );
  }
  return options as Record<string, unknown>;
}

/** Refuses arguments behind the last one: an option that is not read must not look as if it were. */
export function refuseMore(call: string, taken: string, more: readonly unknown[]): void {
  if (more.every((each) => each === undefined)) return;
  throw new InvalidArgumentError(`${call}()`, `takes ${taken} and no further argument`);
}

/** The name of an account, as the workers have it. */
export function parseAccount(account: unknown): string {
  if (typeof account === 'string' && ACCOUNT.test(account)) return account;
  const problem = 'must be the name of an account: 1 to 32 characters of a to z, 0 to 9 and -';
  throw new InvalidArgumentError('account', typeof account === 'string' ? problem : `${problem}; not ${kindOf(account)}`);
}

/** The externalId as it is stored, without spaces at its ends. */
export function parseExternalId(externalId: unknown): string {
  if (typeof externalId !== 'string') {
    throw new InvalidArgumentError('externalId', `must be the externalId of a transfer, not ${kindOf(externalId)}`);
  }
  const parsed = nameSchema(128).safeParse(externalId);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('externalId', parsed.error.issues[0]?.message ?? 'cannot be an externalId');
}

/** The options of a wait, with the time that it lasts unless they say. */
export function parseWait(options: unknown, timeoutMs: number): { timeoutMs: number; signal: AbortSignal | undefined } {
  if (options === undefined) return { timeoutMs, signal: undefined };
  const given = parseOptions('options', options, ['timeoutMs', 'signal']);
  return { timeoutMs: parseMs('options.timeoutMs', given.timeoutMs, timeoutMs), signal: parseSignal(given.signal) };
}

/** Milliseconds: a number from 0 up, or the default. */
export function parseMs(argument: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value >= 0) return value;
  throw new InvalidArgumentError(argument, `must be a number of milliseconds from 0 up, not ${kindOf(value)}`);
}

function parseSignal(signal: unknown): AbortSignal | undefined {
  // Not by throwIfAborted: a polyfill's signal has what fetch needs of one.
  if (signal === undefined || (signal instanceof Object && 'aborted' in signal && 'addEventListener' in signal)) {
    return signal as AbortSignal | undefined;
  }
  throw new InvalidArgumentError('options.signal', `must be an AbortSignal, not ${kindOf(signal)}`);
}

/** The request as an object at least; what its fields say is checked by its schema. */
export function requireRequest(request: unknown): void {
  if (typeof request === 'object' && request !== null && !Array.isArray(request)) return;
  const problem = `must be an object with sourceCountry, destinationCountry and amount, not ${kindOf(request)}`;
  throw new InvalidTransferRequestError('request', problem);
}

/** @throws ClosedError */
export function requireOpen(closed: AbortSignal, externalId?: string): void {
  if (closed.aborted) throw new ClosedError({ externalId });
}

/** What kind of value it is, for a message. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isFinite(value) ? 'this number' : String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
