import { randomUUID } from 'node:crypto';
import { convert, formatAmount, type KpayAccount, parseRate } from '@kpay/core';
import type { Ledger, LedgerTransaction, QuoteRow } from '@kpay/ledger';
import { z } from 'zod';
import { InvalidRequest } from '../errors.ts';
import { decimalSchema } from '../queries/present.ts';
import type { QuoteRequest, TransferRequest } from './request.ts';

const BASIS_POINTS = 10_000n;

/**
 * Stores the rate that KPay shows now and the floor for transfers made with this quote. It reserves nothing at KPay,
 * which has no quotes. A transfer with the quote is held while the rate is below the floor.
 *
 * @throws RejectedError, RetryableError when the rate cannot be read.
 */
export async function quote(
  ledger: Ledger,
  account: KpayAccount,
  request: QuoteRequest,
  { by, signal }: { by: string; signal?: AbortSignal },
): Promise<QuoteRow> {
  const { currency, destinationCurrency } = request;
  const observed = await account.observations.rate(currency, destinationCurrency, { lane: 'people', signal });
  // The clock offset is measured through Redis, so the time can appear slightly in the future. Then the age is 0.
  const ageMs = Math.max(0, account.clock.now() - observed.askedAt.getTime());
  const { rate } = observed.value;
  return ledger.transaction((tx) =>
    tx.db
      .insertInto('kpay.quotes')
      .values({
        id: randomUUID(),
        account: account.name,
        source_country: request.sourceCountry,
        destination_country: request.destinationCountry,
        currency,
        destination_currency: destinationCurrency,
        amount_minor: request.amount && String(request.amount.amountMinor),
        rate,
        rate_asked_at: new Date(tx.now.getTime() - ageMs),
        floor: floorOf(rate, request.toleranceBasisPoints),
        created_by: by,
        created_at: tx.now,
        expires_at: new Date(tx.now.getTime() + request.validForSeconds * 1_000),
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  );
}

/** Locks the quote that an order names, so that two orders cannot both take it. Undefined when there is none. */
export async function lockQuote(tx: LedgerTransaction, id: string): Promise<QuoteRow | undefined> {
  return tx.db.selectFrom('kpay.quotes').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
}

/**
 * Checks a locked quote when an order with it is accepted. After that only the quote's floor counts.
 *
 * @throws InvalidRequest when the quote cannot be used for this order.
 */
export async function checkQuote(
  tx: LedgerTransaction,
  found: QuoteRow | undefined,
  account: string,
  request: TransferRequest,
): Promise<QuoteRow> {
  // Another account's quote is reported as missing, so that the caller learns nothing about it.
  if (!found || found.account !== account) throw new InvalidRequest('quoteId', 'there is no such quote for this account');
  const corridor = `${found.source_country}-${found.destination_country}`;
  if (corridor !== `${request.sourceCountry}-${request.destinationCountry}`) {
    throw new InvalidRequest('quoteId', `is a quote for ${corridor}: ask for one of this corridor`);
  }
  if (found.amount_minor !== null && BigInt(found.amount_minor) !== request.amount.amountMinor) {
    const amount = formatAmount({ amountMinor: BigInt(found.amount_minor), currency: found.currency });
    throw new InvalidRequest('quoteId', `is a quote for ${amount} ${found.currency}: ask for one of this amount, or of none`);
  }
  const used = await tx.db.selectFrom('kpay.transfers').select('id').where('quote_id', '=', found.id).executeTakeFirst();
  if (used) throw new InvalidRequest('quoteId', 'was used for another transfer: ask for a new quote');
  if (found.expires_at <= tx.now) {
    throw new InvalidRequest('quoteId', `expired at ${found.expires_at.toISOString()}: ask for a new quote`);
  }
  return found;
}

/** The rate minus the tolerance, exactly. */
export function floorOf(rate: string, toleranceBasisPoints: number): string {
  const [whole = '', fraction = ''] = rate.split('.');
  const places = fraction.length + 4;
  const digits = (BigInt(whole + fraction) * (BASIS_POINTS - BigInt(toleranceBasisPoints))).toString().padStart(places + 1, '0');
  return parseRate(`${digits.slice(0, -places)}.${digits.slice(-places)}`);
}

const time = z.iso.datetime();

/** A quote as the API shows it. */
export const quoteViewSchema = z
  .strictObject({
    id: z.uuid(),
    account: z.string(),
    sourceCountry: z.string(),
    destinationCountry: z.string(),
    amount: decimalSchema.nullable(),
    currency: z.string(),
    destinationCurrency: z.string(),
    rate: decimalSchema.describe('What KPay showed.'),
    rateAt: time.describe('When KPay was asked for the rate.'),
    rateAgeSeconds: z.number().min(0).describe('How old the rate was when the quote was made.'),
    estimate: decimalSchema
      .nullable()
      .describe(
        'The amount that would arrive at this rate; null without an amount. KPay rounds rates, so the real amount may differ a little.',
      ),
    tolerancePercent: z.number().min(0).describe('How far the floor is below the rate.'),
    floor: decimalSchema.describe(
      "The lowest rate at which a transfer with this quote is sent. It becomes the transfer's minRate.",
    ),
    createdAt: time,
    expiresAt: time.describe('When the quote expires. A transfer can be made with it until then.'),
  })
  .meta({ id: 'Quote' });
export type QuoteView = z.infer<typeof quoteViewSchema>;

export function presentQuote(row: QuoteRow): QuoteView {
  return {
    id: row.id,
    account: row.account,
    sourceCountry: row.source_country,
    destinationCountry: row.destination_country,
    amount: row.amount_minor === null ? null : formatAmount({ amountMinor: BigInt(row.amount_minor), currency: row.currency }),
    currency: row.currency,
    destinationCurrency: row.destination_currency,
    rate: row.rate,
    rateAt: row.rate_asked_at.toISOString(),
    rateAgeSeconds: (row.created_at.getTime() - row.rate_asked_at.getTime()) / 1_000,
    estimate: row.amount_minor === null ? null : estimateOf(row, BigInt(row.amount_minor)),
    tolerancePercent: Math.round((1 - Number(row.floor) / Number(row.rate)) * 10_000) / 100,
    floor: row.floor,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  };
}

function estimateOf({ currency, destination_currency, rate }: QuoteRow, amountMinor: bigint): string {
  return formatAmount(convert({ amountMinor, currency }, rate, destination_currency));
}
