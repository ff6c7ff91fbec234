import { hash } from 'node:crypto';
import { currencyOf, UnknownCountryError } from '@kpay/core/catalogue';
import { compareRates, InvalidAmountError, type Money, parseAmount, parseRate, transferBounds } from '@kpay/core/money';
import { describeIssue, transferRequestSchema } from '@kpay/producer/request';
import { z } from 'zod';
import { InvalidRequest } from '../errors.ts';

// REST may identify a transfer by an Idempotency-Key instead.
const requestSchema = transferRequestSchema.partial({ externalId: true });

/** A parsed request: defaults filled in, amounts exact, currencies known. */
export interface TransferRequest {
  externalId: string | null;
  sourceCountry: string;
  destinationCountry: string;
  amount: Money;
  destinationCurrency: string;
  description: string | null;
  minRate: string | null;
  quoteId: string | null;
  onInsufficientFunds: 'hold' | 'fail';
  notBefore: Date | null;
  expiresAt: Date | null;
  priority: number;
  metadata: Record<string, string> | null;
}

/**
 * Parses the request for a transfer, from REST or from a job.
 *
 * @throws InvalidRequest naming the first wrong field and what would be right.
 */
export function parseTransferRequest(body: unknown): TransferRequest {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    const { field, problem } = describeIssue(parsed.error.issues, body);
    throw new InvalidRequest(field, problem);
  }
  const fields = parsed.data;
  if (fields.quoteId !== undefined && fields.minRate !== undefined) {
    throw new InvalidRequest('minRate', "must be left out with a quoteId: the quote's floor takes its place");
  }
  const { currency, destinationCurrency } = currenciesOf(fields);
  const minRate = fields.minRate === undefined ? null : rate('minRate', fields.minRate);
  // Within one currency KPay's rate is 1 (KPay's page). A transfer that asks for more would be held for ever.
  if (minRate !== null && currency === destinationCurrency && compareRates(minRate, '1') > 0) {
    throw new InvalidRequest('minRate', `must be at most 1, which is the rate within ${currency}`);
  }
  const notBefore = fields.notBefore === undefined ? null : new Date(fields.notBefore);
  const expiresAt = fields.expiresAt === undefined ? null : new Date(fields.expiresAt);
  if (notBefore && expiresAt && expiresAt <= notBefore) throw new InvalidRequest('expiresAt', 'must be later than notBefore');
  return {
    externalId: fields.externalId ?? null,
    sourceCountry: fields.sourceCountry,
    destinationCountry: fields.destinationCountry,
    amount: amountWithinBounds(fields.amount, currency),
    destinationCurrency,
    description: fields.description ?? null,
    minRate,
    quoteId: fields.quoteId?.toLowerCase() ?? null,
    onInsufficientFunds: fields.onInsufficientFunds ?? 'hold',
    notBefore,
    expiresAt,
    priority: fields.priority ?? 5,
    metadata: fields.metadata ?? null,
  };
}

export const quoteRequestSchema = z.strictObject({
  sourceCountry: transferRequestSchema.shape.sourceCountry,
  destinationCountry: transferRequestSchema.shape.destinationCountry,
  /** The quote is valid for this amount only. Without it the quote is valid for any amount. */
  amount: transferRequestSchema.shape.amount.optional(),
  /** How far below the rate shown now a transfer may still be sent, in per cent. */
  tolerancePercent: z.number('must be a number').min(0, 'must be 0 or more').max(10, 'must be at most 10').default(1),
  /** How long the quote can be used. */
  validForSeconds: z.int('must be a whole number').min(10, 'must be at least 10').max(3_600, 'must be at most 3600').default(600),
});

/** A parsed request for a quote. */
export interface QuoteRequest {
  sourceCountry: string;
  destinationCountry: string;
  currency: string;
  destinationCurrency: string;
  amount: Money | null;
  toleranceBasisPoints: number;
  validForSeconds: number;
}

/** @throws InvalidRequest naming the first wrong field and what would be right. */
export function parseQuoteRequest(body: unknown): QuoteRequest {
  const parsed = quoteRequestSchema.safeParse(body);
  if (!parsed.success) {
    const { field, problem } = describeIssue(parsed.error.issues, body);
    throw new InvalidRequest(field, problem);
  }
  const fields = parsed.data;
  const { currency, destinationCurrency } = currenciesOf(fields);
  return {
    sourceCountry: fields.sourceCountry,
    destinationCountry: fields.destinationCountry,
    currency,
    destinationCurrency,
    amount: fields.amount === undefined ? null : amountWithinBounds(fields.amount, currency),
    toleranceBasisPoints: Math.round(fields.tolerancePercent * 100),
    validForSeconds: fields.validForSeconds,
  };
}

/** A digest of the request. Requests that mean the same have the same digest, such as amounts 50000 and "50000.00". */
export function hashRequest(request: TransferRequest): string {
  const { amount, metadata, quoteId, ...others } = request;
  // Digests made before quotes existed must stay the same.
  const rest = quoteId === null ? others : { ...others, quoteId };
  const labels = metadata && Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)), String(amount.amountMinor), labels]);
  return hash('sha256', text);
}

const MIN_RATE = '0.000000001';
const MAX_RATE = '1000000000';

function currenciesOf({ sourceCountry, destinationCountry }: { sourceCountry: string; destinationCountry: string }) {
  const currency = currencyAt('sourceCountry', sourceCountry);
  const destinationCurrency = currencyAt('destinationCountry', destinationCountry);
  if (sourceCountry === destinationCountry) {
    throw new InvalidRequest('destinationCountry', `must differ from sourceCountry (both are ${sourceCountry})`);
  }
  return { currency, destinationCurrency };
}

function currencyAt(field: string, country: string): string {
  try {
    return currencyOf(country);
  } catch (error) {
    if (error instanceof UnknownCountryError) throw new InvalidRequest(field, error.message);
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

/**
 * Parses a rate. A rate far beyond that of any two currencies is a typing error: the transfer would wait for ever, or
 * the floor would mean nothing.
 */
function rate(field: string, input: string | number): string {
  const parsed = orInvalid(field, () => parseRate(input));
  const isPossible = compareRates(parsed, MIN_RATE) >= 0 && compareRates(parsed, MAX_RATE) <= 0;
  if (!isPossible) throw new InvalidRequest(field, `must be from ${MIN_RATE} to ${MAX_RATE}, which no two currencies pass`);
  return parsed;
}

function orInvalid<T>(field: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidAmountError) throw new InvalidRequest(field, error.message);
    throw error;
  }
}
