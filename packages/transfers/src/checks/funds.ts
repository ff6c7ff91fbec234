import { formatAmount, type Observed, type WalletBalance } from '@kpay/core';
import type { LedgerSchema, LedgerTransaction, TransferRow } from '@kpay/ledger';
import { type Kysely, sql } from 'kysely';
import type { Check, CheckVerdict } from './check.ts';
import { recheckAt } from './recheck.ts';

/** A transfer that succeeded this long before a snapshot was asked for is surely in it. */
const SETTLING_MS = 5_000;

/** A snapshot of the wallets with the time, by the ledger's clock, at which KPay was asked. */
export interface BalanceSnapshot {
  wallets: readonly WalletBalance[];
  askedAt: Date;
}

/** An observation's time is the process's; its age is what two clocks agree on. */
export function snapshotOf(observed: Observed<readonly WalletBalance[]>, processNowMs: number, ledgerNow: Date): BalanceSnapshot {
  return { wallets: observed.value, askedAt: new Date(ledgerNow.getTime() - (processNowMs - observed.askedAt.getTime())) };
}

/**
 * Judges whether the source currency holds enough for a transfer.
 *
 * Wallets are per country but KPay shows one figure a currency, so this is necessary and not sufficient: KPay's 422
 * is the judge. Available is KPay's figure less what of ours may not be in that snapshot: sends under way or without
 * an answer, and those that succeeded around or after it was asked for.
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

/** What is known of the reservations of a wallet that is locked. */
export interface LockedWallet {
  /** The ledger's epoch: after a restore nothing that was known holds. */
  epoch: number;
  /** The wallet's `reserved_so_far`, as it will be when what `takenMinor` says is written. */
  soFarMinor: bigint;
  /** What is set aside under this lock for others and not written yet. */
  takenMinor: bigint;
}

interface KnownReserved extends Omit<LockedWallet, 'takenMinor'> {
  reservedMinor: bigint;
  /** The latest bound. */
  atMostMinor: bigint;
}

// What was last summed up under a snapshot, by currency. It goes with the snapshot.
const known = new WeakMap<BalanceSnapshot['wallets'], Map<string, KnownReserved>>();

/**
 * The same under the wallet's lock. The sum over all that is under way is taken once for a snapshot: afterwards no more can
 * be reserved than it was then and what was set aside since, and only when that bound is not enough it is taken anew.
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
  const shown = rows.reduce((sum, wallet) => sum + wallet.availableMinor, 0n);
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
  // A currency that KPay does not show is unknown, not empty: that is no reason to fail for good.
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

/** What of a currency may be gone already although the snapshot shows it. */
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

/** The built-in funds check. It is judged once more, under the wallet's lock, when the send is committed. */
export const fundsCheck: Check = {
  name: 'funds',
  // It may have to wait for a place in the rate limit, whose window is a minute.
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
