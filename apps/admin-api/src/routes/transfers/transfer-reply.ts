import type { TransferRow } from '@kpay/transfers';
import type { Caller } from '../../auth/caller.ts';
import { presentFor } from '../../auth/rights.ts';
import type { Reply } from '../../http/operation.ts';
import { Problem } from '../../problems/problem.ts';

/** Answers with a transfer and its version as an ETag, for If-Match. */
export function replyWith(transfer: TransferRow, caller: Caller): Reply & { headers: Record<string, string> } {
  return { body: presentFor(caller, transfer), headers: { etag: `"${transfer.version}"` } };
}

/** Answers with a transfer that this request made or, if `replayed`, an earlier one. */
export function replyWithNew(transfer: TransferRow, replayed: boolean, caller: Caller): Reply {
  const { body, headers } = replyWith(transfer, caller);
  const place = { location: `/v1/transfers/${transfer.id}`, ...(replayed && { 'idempotency-replayed': 'true' }) };
  return { body, headers: { ...headers, ...place } };
}

export function changedMeanwhile({ state, version }: TransferRow): Problem {
  const headers = { etag: `"${version}"` };
  return new Problem('precondition_failed', `The transfer has changed since: it is ${state} now, at version ${version}.`, {
    headers,
  });
}
