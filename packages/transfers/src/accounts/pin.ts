import type { KpayAccount } from '@kpay/core';
import type { AccountRow, Ledger, LedgerTransaction } from '@kpay/ledger';
import { PinMismatch } from '../errors.ts';
import { takeTurn } from './account-turn.ts';

/** The KPay application that an account belongs to. The ledger stores it at first use. */
export interface Pin {
  account: string;
  baseUrl: string;
  environment: 'TEST' | 'PRODUCTION';
  applicationId: string;
}

/**
 * Asks KPay which application the keys belong to and compares the answer with the ledger. The first answer is stored.
 * Nothing is sent for an account before this has succeeded once.
 *
 * @throws PinMismatch when the ledger knows this account with another application, environment or address. Its history
 *   would then be checked against the wrong wallets, and its ids would not protect it there.
 */
export async function pinAccount(ledger: Ledger, account: KpayAccount, signal?: AbortSignal): Promise<Pin> {
  const pin = await askPin(account, signal);
  await ledger.transaction(async (tx) => {
    await tx.db
      .insertInto('kpay.accounts')
      .values({
        name: pin.account,
        base_url: pin.baseUrl,
        environment: pin.environment,
        application_id: pin.applicationId,
        pinned_at: tx.now,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await lockAccount(tx, pin);
  });
  return pin;
}

/** @throws PinMismatch when the keys belong to another environment than the account. */
async function askPin(account: KpayAccount, signal?: AbortSignal): Promise<Pin> {
  const me = await account.client.me({ lane: 'people', ...(signal && { signal }) });
  if (me.environment !== account.environment) {
    throw new PinMismatch(
      `account ${account.name}: its keys are for ${me.environment}, but KPAY_ENVIRONMENT says ${account.environment}: use the keys of that environment`,
    );
  }
  return {
    account: account.name,
    baseUrl: account.baseUrl,
    environment: me.environment,
    applicationId: me.application.id,
  };
}

/**
 * Asks KPay which application the keys belong to and compares the answer with the ledger, without writing. If the
 * ledger cannot be read, nothing is compared: what KPay shows does not depend on it.
 *
 * @throws PinMismatch
 */
export async function checkPin(ledger: Ledger, account: KpayAccount, signal?: AbortSignal): Promise<void> {
  const pin = await askPin(account, signal);
  await comparePin(ledger, pin).catch((error: unknown) => {
    if (error instanceof PinMismatch) throw error;
  });
}

/**
 * Compares a pin with the ledger, without locking or writing. An account that is not pinned yet is no mismatch.
 *
 * @throws PinMismatch when the ledger knows the account as another KPay application.
 */
export async function comparePin(ledger: Ledger, pin: Pin): Promise<void> {
  const known = await ledger.db.selectFrom('kpay.accounts').selectAll().where('name', '=', pin.account).executeTakeFirst();
  if (known) assertPinned(known, pin);
}

/**
 * Locks an account's row and checks that it belongs to the KPay application of `pin`. With `share`, others can send at
 * the same time.
 *
 * @throws PinMismatch
 */
export async function lockAccount(tx: LedgerTransaction, pin: Pin, lock: 'share' | 'update' = 'share'): Promise<AccountRow> {
  await takeTurn(tx, pin.account, lock);
  const account = tx.db.selectFrom('kpay.accounts').selectAll().where('name', '=', pin.account);
  const known = await (lock === 'share' ? account.forShare() : account.forUpdate()).executeTakeFirst();
  if (!known) throw new PinMismatch(`account ${pin.account} is not pinned in this ledger`);
  assertPinned(known, pin);
  return known;
}

/** @throws PinMismatch when the ledger's account belongs to another KPay application than `pin`. */
export function assertPinned(known: AccountRow, pin: Pin): void {
  const differences = [
    known.base_url === pin.baseUrl ? null : `base URL ${known.base_url}, now ${pin.baseUrl}`,
    known.environment === pin.environment ? null : `environment ${known.environment}, now ${pin.environment}`,
    known.application_id === pin.applicationId ? null : `application ${known.application_id}, now ${pin.applicationId}`,
  ].filter((difference) => difference !== null);
  if (differences.length > 0) {
    throw new PinMismatch(
      `account ${pin.account} belongs to another KPay in this ledger (${differences.join('; ')}): restore its settings, or give the new keys another account name`,
    );
  }
}
