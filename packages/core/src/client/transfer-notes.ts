import { createHash } from 'node:crypto';
import * as z from 'zod';
import { readAmount } from '../money/money.ts';

const text = z.string().max(1_000).nullable();
const instant = z.iso.datetime().nullable();

const legSchema = z
  .object({
    id: text,
    reference: text,
    type: text,
    amount: z
      .object({ amount: z.string().max(60), currency: z.string() })
      .transform(({ amount, currency }) => readAmount(amount, currency))
      .nullable(),
    country: text,
  })
  .nullable();

const receiptSchema = z.object({
  id: z.string(),
  externalId: text,
  exchangeRate: text,
  sourceTransaction: legSchema,
  destinationTransaction: legSchema,
  notCompleted: z.null(),
  createdAt: text,
  raw: z.string(),
});

/** How a transfer ended, when no send can tell more about it. */
const endSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('answer'), receipt: receiptSchema }),
  z.object({ kind: z.literal('conflict') }),
  z.object({
    kind: z.literal('ask_kpay'),
    reason: z.enum(['not_completed', 'conflict', 'refused_repeat']),
    status: z.int().optional(),
    detail: z.string().optional(),
  }),
]);
export type TransferEnd = z.output<typeof endSchema>;

const notesSchema = z.object({
  version: z.literal(1),
  /** A digest of what is sent, so that a memory is never taken for another transfer's. */
  transfer: z.string(),
  /** The KPay application that the money is of; null until it is known. */
  applicationId: z.string().nullable(),
  attempts: z.int(),
  /** When the send began whose answer is not here; null when every send has its answer here. */
  sendingSince: instant,
  /** When the first send began that may have moved money. */
  possiblySentSince: instant,
  /** KPay refused this id once, or holds it for something else: a later 409 then says nothing about this transfer. */
  conflictsProveNothing: z.boolean(),
  end: endSchema.nullable(),
});

/** What is known of one transfer between two steps. */
export type TransferNotes = z.output<typeof notesSchema>;

export function newNotes(transfer: string): TransferNotes {
  return {
    version: 1,
    transfer,
    applicationId: null,
    attempts: 0,
    sendingSince: null,
    possiblySentSince: null,
    conflictsProveNothing: false,
    end: null,
  };
}

/** @throws Error when the text is none that `writeNotes` makes. */
export function readNotes(saved: string): TransferNotes {
  return notesSchema.parse(JSON.parse(saved));
}

export function writeNotes(notes: TransferNotes): string {
  return JSON.stringify(notes);
}

/** Names what is sent: another amount, id or environment makes another digest. */
export function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
