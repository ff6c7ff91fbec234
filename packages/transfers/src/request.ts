import { createHash } from 'node:crypto';
import { currencyOf, InvalidAmount, type Money, parseAmount, parseRate, transferBounds, UnknownCountry } from '@kpay/core';
import { describeIssue, transferWishSchema } from '@kpay/producer';
import { InvalidRequest } from './errors.ts';

// REST may identify a transfer by an Idempotency-Key instead.
const requestSchema = transferWishSchema.partial({ externalId: true });

/** What was asked for, understood: defaults filled in, amounts exact, currencies known. */
export interface TransferRequest {
  externalId: string | null;
  sourceCountry: string;
  destinationCountry: string;
  amount: Money;
  destinationCurrency: string;
  description: string | null;
  minRate: string | null;
  onInsufficientFunds: 'hold' | 'fail';
  notBefore: Date | null;
  expiresAt: Date | null;
  priority: number;
  metadata: Record<string, string> | null;
}

/**
 * Understands a transfer that somebody asks for, from REST or from a job.
 *
 * @throws InvalidRequest naming the first field that is wrong and what would be right.
 */
export function parseTransferRequest(body: unknown): TransferRequest {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    const { field, problem } = describeIssue(parsed.error.issues, body);
    throw new InvalidRequest(field, problem);
  }
  const wish = parsed.data;
  if (wish.quoteId !== undefined) throw new InvalidRequest('quoteId', 'quotes are not offered yet: give minRate instead');
  const currency = currencyAt('sourceCountry', wish.sourceCountry);
  const destinationCurrency = currencyAt('destinationCountry', wish.destinationCountry);
  if (wish.sourceCountry === wish.destinationCountry) {
    throw new InvalidRequest('destinationCountry', `must differ from sourceCountry (both are ${wish.sourceCountry})`);
  }
  const notBefore = wish.notBefore === undefined ? null : new Date(wish.notBefore);
  const expiresAt = wish.expiresAt === undefined ? null : new Date(wish.expiresAt);
  if (notBefore && expiresAt && expiresAt <= notBefore) throw new InvalidRequest('expiresAt', 'must be later than notBefore');
  return {
    externalId: wish.externalId ?? null,
    sourceCountry: wish.sourceCountry,
    destinationCountry: wish.destinationCountry,
    amount: amountWithinBounds(wish.amount, currency),
    destinationCurrency,
    description: wish.description ?? null,
    minRate: wish.minRate === undefined ? null : rate('minRate', wish.minRate),
    onInsufficientFunds: wish.onInsufficientFunds ?? 'hold',
    notBefore,
    expiresAt,
    priority: wish.priority ?? 5,
    metadata: wish.metadata ?? null,
  };
}

/** A digest of what was asked for. Equal for bodies that mean the same, such as amounts 50000 and "50000.00". */
export function hashRequest(request: TransferRequest): string {
  const { amount, metadata, ...rest } = request;
  const labels = metadata && Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)), String(amount.amountMinor), labels]);
  return createHash('sha256').update(text).digest('hex');
}

function currencyAt(field: string, country: string): string {
  try {
    return currencyOf(country);
  } catch (error) {
    if (error instanceof UnknownCountry) throw new InvalidRequest(field, error.message);
    throw error;
  }
}

function amountWithinBounds(input: string | number, currency: string): Money {
  const amount = orInvalid('amount', () => parseAmount(input, currency));
  const { least, most } = transferBounds(currency);
  if (amount.amountMinor < least.amountMinor || amount.amountMinor > most.amountMinor) {
    throw new InvalidRequest('amount', `must be from 100 to 10000000 ${currency}, which is what KPay transfers at once`);
  }
  return amount;
}

function rate(field: string, input: string | number): string {
  return orInvalid(field, () => parseRate(input));
}

function orInvalid<T>(field: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidAmount) throw new InvalidRequest(field, error.message);
    throw error;
  }
}
