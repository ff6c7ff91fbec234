import type { TransferFilter, TransferPosition } from '@kpay/transfers';
import { z } from 'zod';
import { invalidParameter } from '../../http/parse-query.ts';
import { fingerprintOf } from './transfer-filter.ts';

const cursorSchema = z.tuple([z.iso.datetime(), z.uuid(), z.string()]);

/** Encodes the end of a page as an opaque text that is valid only for the same filter. */
export function writeCursor({ createdAt, id }: TransferPosition, filter: TransferFilter): string {
  return Buffer.from(JSON.stringify([createdAt.toISOString(), id, fingerprintOf(filter)])).toString('base64url');
}

/** Decodes a cursor. @throws Problem naming the parameter `cursor`. */
export function readCursor(cursor: string, filter: TransferFilter): TransferPosition {
  const parsed = cursorSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  if (!parsed.success) throw invalidParameter('cursor', 'must be a nextCursor of this list');
  const [createdAt, id, madeFor] = parsed.data;
  if (madeFor !== fingerprintOf(filter)) {
    throw invalidParameter('cursor', 'belongs to another filter: repeat the filter it came with, or begin without a cursor');
  }
  return { createdAt: new Date(createdAt), id };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
