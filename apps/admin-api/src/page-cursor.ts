import { createHash } from 'node:crypto';
import type { TransferFilter, TransferPosition } from '@kpay/transfers';
import { z } from 'zod';
import { invalidParameter } from './parse-query.ts';

const cursorSchema = z.tuple([z.iso.datetime(), z.uuid(), z.string()]);

/** Where a page ended, as an opaque text that is good for the same filter only. */
export function writeCursor({ createdAt, id }: TransferPosition, filter: TransferFilter): string {
  return Buffer.from(JSON.stringify([createdAt.toISOString(), id, fingerprint(filter)])).toString('base64url');
}

/** @throws Problem naming the parameter `cursor`. */
export function readCursor(cursor: string, filter: TransferFilter): TransferPosition {
  const parsed = cursorSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  if (!parsed.success) throw invalidParameter('cursor', 'must be a nextCursor of this list');
  const [createdAt, id, madeFor] = parsed.data;
  if (madeFor !== fingerprint(filter)) {
    throw invalidParameter('cursor', 'belongs to another filter: repeat the filter it came with, or begin without a cursor');
  }
  return { createdAt: new Date(createdAt), id };
}

function fingerprint({ account, state, externalId }: TransferFilter): string {
  const text = JSON.stringify([account ?? null, state ?? null, externalId ?? null]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
