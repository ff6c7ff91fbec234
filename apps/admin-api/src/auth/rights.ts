import type { KpayAccount } from '@kpay/core';
import type { PauseRow } from '@kpay/ledger';
import { findTransfer, type Ledger, presentTransfer, type TransferRow, type TransferView, UnknownAccount } from '@kpay/transfers';
import { findPauseRow } from '@kpay/transfers/operations';
import { z } from 'zod';
import { Problem } from '../problems/problem.ts';
import type { Caller } from './caller.ts';

/*
 * What a caller may see and act on, in one place: accounts, transfers and pauses here, keys in key-store.ts. What is not
 * the caller's is answered like what does not exist, and in the same words.
 */

/** Whether the caller reaches an account. */
export function reaches({ accounts }: Pick<Caller, 'accounts'>, account: string): boolean {
  return accounts === null || accounts.includes(account);
}

/** Those that the caller reaches, of all that there are. */
export function reachable<T>(caller: Pick<Caller, 'accounts'>, accounts: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return caller.accounts === null ? accounts : new Map([...accounts].filter(([name]) => reaches(caller, name)));
}

/** The account of this name. @param named where the request names it. @throws Problem (400) when the caller reaches none. */
export function requireAccount(
  accounts: ReadonlyMap<string, KpayAccount>,
  caller: Pick<Caller, 'accounts'>,
  name: string,
  named: 'in the query' | 'in the body',
): KpayAccount {
  const account = accounts.get(name);
  if (account && reaches(caller, name)) return account;
  throw new Problem('invalid_request', new UnknownAccount(name).message, {
    ...(named === 'in the query' ? { parameter: 'account' } : { pointer: '/account' }),
    ...(account && { denial: 'account' }),
  });
}

/** What a caller sees of transfers, for a filter of them. */
export function within({ accounts }: Pick<Caller, 'accounts'>): { within?: readonly string[] } {
  return accounts === null ? {} : { within: accounts };
}

/** For what is not of one account. @throws Problem (403) when the caller does not reach all. */
export function requireAllAccounts({ accounts }: Pick<Caller, 'accounts'>): void {
  if (accounts === null) return;
  throw new Problem('forbidden', 'This needs a key that reaches all accounts.', { denial: 'account' });
}

/** Whether the caller is shown what somebody made in an account: their own, or with the scope `read` everybody's. */
function sees(caller: Caller, { account, owner }: { account: string | null; owner: string }): boolean {
  return (account === null || reaches(caller, account)) && (caller.scopes.has('read') || caller.owner === owner);
}

/** The transfer with this id. @throws Problem (404) when there is none that the caller sees. */
export async function requireTransfer(ledger: Ledger, caller: Caller, id: string): Promise<TransferRow> {
  const parsed = z.uuid().safeParse(id);
  const transfer = parsed.success ? await findTransfer(ledger, parsed.data) : undefined;
  if (transfer && sees(caller, transfer)) return transfer;
  throw notThere('There is no transfer with this id.', transfer);
}

/** A transfer that the caller sees. Reasons quote balances and pauses, so without the scope `read` the code alone is told. */
export function presentFor(caller: Pick<Caller, 'scopes'>, transfer: TransferRow): TransferView {
  const view = presentTransfer(transfer);
  return caller.scopes.has('read') ? view : { ...view, reason: null };
}

/** The pause with this id. @throws Problem (404) when there is none that the caller sees, (403) when it is of more accounts. */
export async function requirePause(ledger: Ledger, caller: Caller, id: string): Promise<PauseRow> {
  const parsed = z.uuid().safeParse(id);
  const pause = parsed.success ? await findPauseRow(ledger, parsed.data) : undefined;
  if (!pause || !sees(caller, { account: pause.account, owner: pause.created_by })) {
    throw notThere('There is no pause with this id in force.', pause);
  }
  if (pause.account === null) requireAllAccounts(caller);
  return pause;
}

/** It is counted as a denial where there is something. */
function notThere(detail: string, there: unknown): Problem {
  return new Problem('not_found', detail, there === undefined ? {} : { denial: 'account' });
}
