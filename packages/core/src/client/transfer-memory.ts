import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { readAmount } from '../money/money.ts';

/**
 * Where `transferUntilKnown` keeps what it knows of one transfer: a file, a row, a key. A later call with the same memory
 * goes on where a crash ended the call before. One memory is for one transfer, and for one call at a time.
 */
export interface TransferMemory {
  /** The text that was saved last; null or undefined when none was. Called once, before anything is sent. */
  load(): Promise<string | null | undefined> | string | null | undefined;
  /**
   * Keeps `text` in place of the text before; it is JSON of at most 20,000 characters. Resolve only when it is durable.
   * Called before each send and after each answer. When it throws before a send, nothing is sent.
   */
  save(text: string): Promise<unknown> | unknown;
}

/**
 * A memory in a file of this machine. Each save writes a file beside it, syncs it and renames it, so that a crash leaves
 * the old text or the new one.
 *
 * @param path such as `./transfers/invoice-2026-001.json`; its folder must exist. Never build it from text that others
 *   choose.
 */
export function createFileMemory(path: string): TransferMemory {
  return {
    async load() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
    },
    async save(text) {
      const written = `${path}.${randomUUID()}.tmp`;
      try {
        await writeDurably(written, text);
        await rename(written, path);
      } catch (error) {
        await rm(written, { force: true }).catch(() => {});
        throw error;
      }
      await syncFolder(dirname(path));
    },
  };
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without it the rename itself may be lost with the machine. Windows cannot open folders, and needs no such call. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

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
