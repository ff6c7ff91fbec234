import { formatAmount, type Observed, type WalletBalance } from '@kpay/core';
import type { LedgerSchema, LedgerTransaction, TransferRow } from '@kpay/ledger';
import { type Kysely, sql } from 'kysely';
import type { Check, CheckVerdict } from './check.ts';
import { recheckAt } from './recheck.ts';

/** A transfer that succeeded at least this long before KPay was asked for a balance is included in that balance. */
const SETTLING_MS = 5_000;

/** A snapshot of the wallets with the time, by the ledger's clock, at which KPay was asked. */
export interface BalanceSnapshot {
  wallets: readonly WalletBalance[];
  askedAt: Date;
}

/**
 * Converts an observation to a snapshot. The observation's time is by the process's clock; only its age is the same on
 * both clocks.
 */
export function snapshotOf(observed: Observed<readonly WalletBalance[]>, processNowMs: number, ledgerNow: Date): BalanceSnapshot {
  return { wallets: observed.value, askedAt: new Date(ledgerNow.getTime() - (processNowMs - observed.askedAt.getTime())) };
}

/**
 * Checks whether the source currency holds enough for a transfer.
 *
 * Wallets are per country, but KPay shows one figure for each currency. So this check is necessary but not sufficient;
 * KPay's 422 decides. Available means KPay's figure minus our transfers that may not be in that snapshot: those under
 * way, those without an answer, and those that succeeded around or after the time of the snapshot.
 */
export async function evaluateFunds(
  db: Kysely<LedgerSchema>,
  transfer: TransferRow,
  snapshot: BalanceSnapshot,
  now: Date,
): Promise<CheckVerdict> {
  return evaluateReserved(
    transfer,
    snapshot,
    now,
    await reservedMinor(db, transfer.account, transfer.currency, snapshot.askedAt),
  );
}

/** What is known about the reservations of a locked wallet. */
export interface LockedWallet {
  /** The ledger's epoch. After a restore, nothing known before is valid. */
  epoch: number;
  /** The wallet's `reserved_so_far`, including the amounts of `takenMinor` once they are written. */
  soFarMinor: bigint;
  /** What is reserved under this lock for other transfers and not written yet. */
  takenMinor: bigint;
}

interface KnownReserved extends Omit<LockedWallet, 'takenMinor'> {
  reservedMinor: bigint;
  /** The latest bound. */
  atMostMinor: bigint;
}

// The latest sum for each currency of a snapshot. It is dropped with the snapshot.
const known = new WeakMap<BalanceSnapshot['wallets'], Map<string, KnownReserved>>();

/**
 * The funds check under the wallet's lock. The sum over all transfers under way is computed once for each snapshot.
 * After that, the reserved amount is at most that sum plus what was reserved since. Only when this bound is too high is
 * the sum computed again.
 */
export async function evaluateLockedFunds(
  { db, now }: LedgerTransaction,
  transfer: TransferRow,
  snapshot: BalanceSnapshot,
  { epoch, soFarMinor, takenMinor }: LockedWallet,
): Promise<CheckVerdict> {
  const { account, currency } = transfer;
  const ofSnapshot = known.get(snapshot.wallets) ?? new Map<string, KnownReserved>();
  known.set(snapshot.wallets, ofSnapshot);
  const last = ofSnapshot.get(currency);
  if (last?.epoch === epoch && last.soFarMinor <= soFarMinor) {
    last.atMostMinor = last.reservedMinor + soFarMinor - last.soFarMinor;
    const verdict = evaluateReserved(transfer, snapshot, now, last.atMostMinor);
    if (verdict.verdict === 'pass') return verdict;
  }
  const reserved = (await reservedMinor(db, account, currency, snapshot.askedAt)) + takenMinor;
  ofSnapshot.set(currency, { epoch, soFarMinor, reservedMinor: reserved, atMostMinor: reserved });
  return evaluateReserved(transfer, snapshot, now, reserved);
}

function evaluateReserved(transfer: TransferRow, snapshot: BalanceSnapshot, now: Date, reserved: bigint): CheckVerdict {
  const { currency } = transfer;
  const rows = snapshot.wallets.filter((wallet) => wallet.currency === currency);
  const shown = rows.reduce((sum, wallet) => sum + wallet.availableBalance.amountMinor, 0n);
  const amount = BigInt(transfer.amount_minor);
  const inputs = {
    balance: {
      currency,
      shown: format(shown, currency),
      reservedByUs: format(reserved, currency),
      ageMs: now.getTime() - snapshot.askedAt.getTime(),
    },
  };
  if (amount <= shown - reserved) return { verdict: 'pass', inputs };
  // A currency that KPay does not show is unknown, not empty. That must not fail the transfer.
  if (rows.length > 0 && amount > shown && transfer.on_insufficient_funds === 'fail') {
    const reason = `the ${currency} balance is ${format(shown, currency)}, less than the ${format(amount, currency)} to send`;
    return { verdict: 'reject', code: 'insufficient_funds', reason, inputs };
  }
  const until = recheckAt(transfer, now);
  const wallet =
    rows.length === 0 ? `KPay shows no ${currency} wallet` : `KPay shows ${format(shown, currency)} ${currency} available`;
  const ours = reserved > 0n ? `, ${format(reserved, currency)} of it is taken by transfers under way` : '';
  return {
    verdict: 'hold',
    code: 'insufficient_funds',
    reason: `waiting for funds: ${wallet}${ours}, ${format(amount, currency)} is to be sent`,
    until,
    inputs,
  };
}

/** The amount of a currency that may have left although the snapshot still shows it. */
export async function reservedMinor(db: Kysely<LedgerSchema>, account: string, currency: string, askedAt: Date): Promise<bigint> {
  const since = new Date(askedAt.getTime() - SETTLING_MS);
  const { rows } = await sql<{ reserved: string }>`
    select (
      (select coalesce(sum(amount_minor), 0) from kpay.transfers
        where account = ${account} and currency = ${currency} and state in ('submitting', 'unconfirmed', 'review'))
      + (select coalesce(sum(amount_minor), 0) from kpay.transfers
        where account = ${account} and currency = ${currency} and state = 'succeeded' and finished_at > ${since})
    )::text as reserved`.execute(db);
  return BigInt(rows[0]?.reserved ?? '0');
}

/** The built-in funds check. It runs once more, under the wallet's lock, when the send is committed. */
export const fundsCheck: Check = {
  name: 'funds',
  // The check may wait for a slot of the budget, whose window is a minute.
  timeoutMs: 90_000,
  async check(transfer, { account, ledger, now, signal }) {
    const observed = await account.observations.balance({ lane: 'checks', signal });
    const snapshot = snapshotOf(observed, account.clock.now(), now);
    const last = known.get(snapshot.wallets)?.get(transfer.currency);
    const likely = last && evaluateReserved(transfer, snapshot, now, last.atMostMinor);
    return likely?.verdict === 'pass' ? likely : evaluateFunds(ledger.db, transfer, snapshot, now);
  },
};

function format(amountMinor: bigint, currency: string): string {
  return formatAmount({ amountMinor, currency });
}
