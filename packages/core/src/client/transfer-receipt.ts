import type { Country, OpenUnion } from '../money/catalogue.ts';
import { compareRates, type Money, parseRate, readAmount } from '../money/money.ts';
import type { ReportDrift } from './drift.ts';
import { parseExactJson } from './json.ts';
import { snippet, storableText } from './redact.ts';

// KPay's page shows no answer to a transfer; its other documentation does. So a 201 needs only what makes us sure
// that it is one, an object with an id. All else is taken when it is there and makes sense. It is read by hand: with
// every field optional a schema says no more than this, and costs more than all the rest of a call.
const LEG_FIELDS: ReadonlySet<string> = new Set(['id', 'reference', 'type', 'amount', 'currency', 'country', 'status']);
const RECEIPT_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'externalId',
  'exchangeRate',
  'description',
  'sourceTransaction',
  'destinationTransaction',
  'createdAt',
  'status',
]);

// KPay documents no status of a transfer: a 201 without one is the completed transfer. One that is there must be one of
// these words; any other (FAILED, PENDING, a word that we do not know) is no success.
const SUCCESSES: ReadonlySet<string> = new Set(['COMPLETED', 'SUCCESS', 'SUCCEEDED', 'SUCCESSFUL']);

/** One side of a transfer: what left the source wallet, or what arrived in the destination wallet (KPay's documentation). */
export interface TransactionLeg {
  /** KPay's id of this side; null when KPay left it out. */
  id: string | null;
  /** KPay's reference of this side, for questions to KPay; null when KPay left it out. */
  reference: string | null;
  /** `WALLET_TRANSFER_OUT`, `WALLET_TRANSFER_IN`, or something new; null when KPay left it out. */
  type: OpenUnion<'WALLET_TRANSFER_OUT' | 'WALLET_TRANSFER_IN'> | null;
  /** What moved, in this side's currency. Null when KPay gave no amount, or one without a currency. */
  amount: Money | null;
  /** The country of this side's wallet, ISO 3166-1 alpha-3; null when KPay left it out. */
  country: Country | null;
}

/**
 * A transfer that KPay has made (KPay's documentation of `POST /api/wallets/transfer`; its page shows no answer). There is no
 * status and no fee: a 201 is the completed transfer. What KPay left out or garbled is null.
 */
export interface TransferReceipt {
  /** KPay's id of the transfer; empty only where `notCompleted` says that there is no success anyhow. */
  id: string;
  /** The id that the transfer was sent with; null when KPay left it out. */
  externalId: string | null;
  /** The rate that was applied, as decimal text such as "1.0153": one unit of the source in units of the destination. */
  exchangeRate: string | null;
  /** What left the source wallet. */
  sourceTransaction: TransactionLeg | null;
  /** What arrived in the destination wallet. */
  destinationTransaction: TransactionLeg | null;
  /**
   * What KPay says of the transfer or of one of its legs, when that is no success; else null. Then the transfer may
   * have moved money, move it later, or never.
   */
  notCompleted: string | null;
  /** When KPay made it, as KPay wrote it: an ISO 8601 time in its documentation. */
  createdAt: string | null;
  /** The answer's text, redacted, 4,000 characters at most. */
  readonly raw: string;
}

const MAX_RAW_CHARACTERS = 4_000;

/**
 * Reads the answer to a transfer.
 * @throws Error when it is no JSON object with an id or with a status that is no success, so that nobody takes it for a
 * receipt. What says of itself that it is no success needs no id to be believed: sent again, its id could be held and
 * "confirm" it.
 */
export function parseReceipt(text: string, secrets: readonly string[], report: ReportDrift): TransferReceipt {
  const answer = parseExactJson(text);
  if (!isObject(answer)) throw new Error('it is no JSON object');
  const { sourceTransaction, destinationTransaction } = answer;
  const id = textOf(answer.id) ?? '';
  const notCompleted = notCompletedOf([answer, sourceTransaction, destinationTransaction]);
  if (id === '' && notCompleted === null) throw new Error('it has no id');
  reportUnknown(answer, RECEIPT_FIELDS, '', report);
  if (isObject(sourceTransaction)) reportUnknown(sourceTransaction, LEG_FIELDS, 'sourceTransaction.', report);
  if (isObject(destinationTransaction)) reportUnknown(destinationTransaction, LEG_FIELDS, 'destinationTransaction.', report);
  let raw: string | undefined;
  return {
    id,
    externalId: textOf(answer.externalId),
    exchangeRate: rateOf(answer.exchangeRate),
    sourceTransaction: legOf(sourceTransaction),
    destinationTransaction: legOf(destinationTransaction),
    notCompleted,
    createdAt: textOf(answer.createdAt),
    // Redacted when somebody reads it: not everybody does.
    get raw() {
      raw ??= snippet(text, MAX_RAW_CHARACTERS, secrets);
      return raw;
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function legOf(leg: unknown): TransactionLeg | null {
  if (!isObject(leg)) return null;
  return {
    id: textOf(leg.id),
    reference: textOf(leg.reference),
    type: textOf(leg.type),
    amount: amountOf(leg.amount, leg.currency),
    country: textOf(leg.country),
  };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAX_TEXT_CHARACTERS = 500;

/** Numbers are texts too by now. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' ? storableText(value.slice(0, MAX_TEXT_CHARACTERS)) : null;
}

function notCompletedOf(parts: readonly unknown[]): string | null {
  for (const part of parts) {
    const status = isObject(part) ? part.status : undefined;
    if (status === undefined || status === null) continue;
    const word = typeof status === 'string' ? status : JSON.stringify(status);
    if (!SUCCESSES.has(word.trim().toUpperCase())) return storableText(word.slice(0, 80));
  }
  return null;
}

function rateOf(value: unknown): string | null {
  try {
    if (typeof value !== 'string') return null;
    const rate = parseRate(value);
    // Texts such as 1e-45 become longer than a rate may be: then it is no rate that anybody can compare.
    return compareRates(rate, rate) === 0 ? rate : null;
  } catch {
    return null;
  }
}

function amountOf(amount: unknown, currency: unknown): Money | null {
  try {
    return typeof amount === 'string' && typeof currency === 'string' && currency !== '' ? readAmount(amount, currency) : null;
  } catch {
    return null;
  }
}

function reportUnknown(fields: Fields, known: ReadonlySet<string>, within: string, report: ReportDrift): void {
  for (const name of Object.keys(fields)) {
    if (!known.has(name)) report('transfer', `${within}${name}`.slice(0, 200), 'unknown_field');
  }
}
