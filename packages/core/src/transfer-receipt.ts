import { z } from 'zod';
import { findUnknownFields, type ReportDrift } from './drift.ts';
import { parseExactJson } from './json.ts';
import { type Money, parseRate, readAmount } from './money.ts';
import { snippet } from './redact.ts';

// KPay's page shows no answer to a transfer; its other documentation does. So a 201 needs only what makes us sure
// that it is one, an object with an id. All else is taken when it is there and makes sense.
const legSchema = z.object({
  id: z.string().nullish().catch(null),
  reference: z.string().nullish().catch(null),
  type: z.string().nullish().catch(null),
  amount: z.string().nullish().catch(null),
  currency: z.string().nullish().catch(null),
  country: z.string().nullish().catch(null),
});

const receiptSchema = z.object({
  id: z.string().min(1),
  externalId: z.string().nullish().catch(null),
  exchangeRate: z.string().nullish().catch(null),
  description: z.string().nullish().catch(null),
  sourceTransaction: legSchema.nullish().catch(null),
  destinationTransaction: legSchema.nullish().catch(null),
  createdAt: z.string().nullish().catch(null),
});

/** One side of a transfer. */
export interface TransactionLeg {
  id: string | null;
  reference: string | null;
  /** WALLET_TRANSFER_OUT or WALLET_TRANSFER_IN. */
  type: string | null;
  /** Null when KPay gave no amount, or one without a currency. */
  amount: Money | null;
  country: string | null;
}

/** A transfer that KPay has made (docs, "wallets/transfer"). What KPay left out or garbled is null. */
export interface TransferReceipt {
  /** KPay's id of the transfer. */
  id: string;
  externalId: string | null;
  /** The rate that was applied, as decimal text. */
  exchangeRate: string | null;
  sourceTransaction: TransactionLeg | null;
  destinationTransaction: TransactionLeg | null;
  /** As KPay wrote it. */
  createdAt: string | null;
  /** The answer's text, redacted, 4,000 characters at most. */
  raw: string;
}

const MAX_RAW_CHARACTERS = 4_000;

/**
 * Reads the answer to a transfer.
 * @throws Error when it is no JSON object with an id, so that nobody takes it for a receipt.
 */
export function parseReceipt(text: string, secrets: readonly string[], report: ReportDrift): TransferReceipt {
  const json = parseExactJson(text);
  const { id, externalId, exchangeRate, sourceTransaction, destinationTransaction, createdAt } = receiptSchema.parse(json);
  findUnknownFields(receiptSchema, json, (path) => report('transfer', path, 'unknown_field'));
  return {
    id,
    externalId: externalId ?? null,
    exchangeRate: orNull(() => (exchangeRate ? parseRate(exchangeRate) : null)),
    sourceTransaction: legOf(sourceTransaction),
    destinationTransaction: legOf(destinationTransaction),
    createdAt: createdAt ?? null,
    raw: snippet(text, MAX_RAW_CHARACTERS, secrets),
  };
}

function legOf(leg: z.infer<typeof legSchema> | null | undefined): TransactionLeg | null {
  if (!leg) return null;
  const { amount, currency } = leg;
  return {
    id: leg.id ?? null,
    reference: leg.reference ?? null,
    type: leg.type ?? null,
    amount: orNull(() => (amount && currency ? readAmount(amount, currency) : null)),
    country: leg.country ?? null,
  };
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
