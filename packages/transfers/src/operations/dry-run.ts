import type { KpayAccount } from '@kpay/core';
import type { Ledger, TransferRow } from '@kpay/ledger';
import { type Acceptance, acceptParsed, parseOrder, type TransferOrder } from '../accept/accept.ts';
import { RolledBack } from '../accept/accept-batch.ts';
import { type AccountRules, noRules } from '../checks/account-rules.ts';
import { askCheck } from '../checks/ask-check.ts';
import type { CheckContext, CheckVerdict } from '../checks/check.ts';
import { findPause, pauseHold } from '../holds/pauses.ts';
import { checksOf } from '../plugins/built-in.ts';
import type { Plugin } from '../plugins/plugin.ts';
import { unavailable } from '../send/advance.ts';
import { breakerHold, isBreakerOpen, unknownStreakOf } from '../send/breaker.ts';

/** What one check, or what stands before all checks, says now. */
export type CheckResult = { name: string } & CheckVerdict;

/** What would become of an order. Nothing was recorded, and nothing was sent. */
export type DryRun =
  /** It was accepted before: this is that transfer. */
  | { kind: 'known'; transfer: TransferRow }
  | {
      kind: 'would_send' | 'would_hold' | 'would_fail';
      /** It would be accepted as this; the id is not one that it would have. */
      transfer: TransferRow;
      /** In the order in which they are asked: the first that does not pass decides. */
      opinions: CheckResult[];
    };

export interface DryRunContext {
  ledger: Ledger;
  account: KpayAccount;
  rules?: ReadonlyMap<string, AccountRules> | undefined;
  plugins: readonly Plugin[];
  signal: AbortSignal;
}

/**
 * Says what would become of an order now: the real acceptance in a transaction that is rolled back, and then the real
 * checks, all of them, on the row that it made.
 *
 * @throws InvalidRequest, IdempotencyConflict as acceptTransfer does.
 */
export async function dryRunTransfer(order: TransferOrder, context: DryRunContext): Promise<DryRun> {
  const { ledger, account, rules = new Map(), plugins, signal } = context;
  const parsed = parseOrder(new Set([account.name]), order);
  const { acceptance, now } = await rolledBack(ledger, async (tx) => ({
    acceptance: await acceptParsed(tx, order, parsed, rules),
    now: tx.now,
  }));
  const { transfer, replayed } = acceptance;
  if (replayed) return { kind: 'known', transfer };
  const opinions = [...(await beforeChecks(ledger, transfer, now))];
  const checks = checksOf(rules.get(account.name) ?? noRules, plugins);
  for (const check of checks) {
    opinions.push({ name: check.name, ...(await ask(check, transfer, { account, ledger, now, signal })) });
  }
  const decides = opinions.find(({ verdict }) => verdict !== 'pass')?.verdict ?? 'pass';
  return { kind: ({ pass: 'would_send', hold: 'would_hold', reject: 'would_fail' } as const)[decides], transfer, opinions };
}

async function rolledBack<T extends { acceptance: Acceptance }>(
  ledger: Ledger,
  work: Parameters<typeof ledger.transaction<T>>[0],
): Promise<T> {
  let result: T | undefined;
  try {
    await ledger.transaction(async (tx) => {
      result = await work(tx);
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  if (!result) throw new Error('a dry run came to no result');
  return result;
}

/** What keeps a transfer from being sent whatever the checks say. */
async function beforeChecks({ db }: Ledger, transfer: TransferRow, now: Date): Promise<CheckResult[]> {
  const opinions: CheckResult[] = [];
  const { restored_at } = await db.selectFrom('kpay.ledger').select('restored_at').executeTakeFirstOrThrow();
  if (restored_at) {
    const reason = 'the ledger was restored from a backup: nothing is sent until kpay restore finish';
    opinions.push({ name: 'restore', verdict: 'hold', code: 'restored', reason, until: now });
  }
  const pause = await findPause(db, transfer, now);
  if (pause) opinions.push({ name: 'pause', verdict: 'hold', ...pauseHold(pause, now) });
  const streak = await unknownStreakOf(db, transfer.account);
  if (await isBreakerOpen(db, transfer.account, streak, now)) opinions.push({ name: 'breaker', ...breakerHold(now) });
  return opinions;
}

async function ask(check: Parameters<typeof askCheck>[0], transfer: TransferRow, context: CheckContext): Promise<CheckVerdict> {
  try {
    return await askCheck(check, transfer, context);
  } catch (error) {
    return unavailable(error, `check ${check.name}`, context.now);
  }
}
