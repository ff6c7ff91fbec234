import type { KpayAccount } from '@kpay/core';
import type { PauseRow } from '@kpay/ledger';
import { findTransfer, type Ledger, presentTransfer, type TransferRow, type TransferView, UnknownAccount } from '@kpay/transfers';
import { findPauseRow } from '@kpay/transfers/operations';
import { z } from 'zod';
import { Problem } from '../problems/problem.ts';
import type { Caller } from './caller.ts';

/*
 * What a caller may see and change, in one place: accounts, transfers and pauses here, keys in key-store.ts. A request for
 * something that the caller may not see is answered like one for something that does not exist, in the same words.
 */

/** Whether the caller reaches an account. */
export function reaches({ accounts }: Pick<Caller, 'accounts'>, account: string): boolean {
  return accounts === null || accounts.includes(account);
}

/** The accounts that the caller reaches, among all. */
export function reachable<T>(caller: Pick<Caller, 'accounts'>, accounts: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return caller.accounts === null ? accounts : new Map([...accounts].filter(([name]) => reaches(caller, name)));
}

/**
 * The account with this name. @param named the field that names it. @throws Problem (400) when the caller does not
 * reach it.
 */
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

/** The filter for what a caller sees of transfers. */
export function within({ accounts }: Pick<Caller, 'accounts'>): { within?: readonly string[] } {
  return accounts === null ? {} : { within: accounts };
}

/** For requests that concern more than one account. @throws Problem (403) when the caller does not reach all. */
export function requireAllAccounts({ accounts }: Pick<Caller, 'accounts'>): void {
  if (accounts === null) return;
  throw new Problem('forbidden', 'This needs a key that reaches all accounts.', { denial: 'account' });
}

/**
 * Whether the caller may see something that an owner made in an account: its own, or with the scope `read` everybody's.
 */
function sees(caller: Caller, { account, owner }: { account: string | null; owner: string }): boolean {
  return (account === null || reaches(caller, account)) && (caller.scopes.has('read') || caller.owner === owner);
}

/** The transfer with this id. @throws Problem (404) when the caller sees no such transfer. */
export async function requireTransfer(ledger: Ledger, caller: Caller, id: string): Promise<TransferRow> {
  const parsed = z.uuid().safeParse(id);
  const transfer = parsed.success ? await findTransfer(ledger, parsed.data) : undefined;
  if (transfer && sees(caller, transfer)) return transfer;
  throw notThere('There is no transfer with this id.', transfer);
}

/**
 * A transfer as the caller may see it. Reasons quote balances and pauses, so without the scope `read` only the code is
 * shown.
 */
export function presentFor(caller: Pick<Caller, 'scopes'>, transfer: TransferRow): TransferView {
  const view = presentTransfer(transfer);
  return caller.scopes.has('read') ? view : { ...view, reason: null };
}

/**
 * The pause with this id. @throws Problem (404) when the caller sees no such pause, (403) when the pause covers more
 * accounts.
 */
export async function requirePause(ledger: Ledger, caller: Caller, id: string): Promise<PauseRow> {
  const parsed = z.uuid().safeParse(id);
  const pause = parsed.success ? await findPauseRow(ledger, parsed.data) : undefined;
  if (!pause || !sees(caller, { account: pause.account, owner: pause.created_by })) {
    throw notThere('There is no pause with this id in force.', pause);
  }
  if (pause.account === null) requireAllAccounts(caller);
  return pause;
}

/** A 404. It counts as a denial when the object exists. */
function notThere(detail: string, there: unknown): Problem {
  return new Problem('not_found', detail, there === undefined ? {} : { denial: 'account' });
}
