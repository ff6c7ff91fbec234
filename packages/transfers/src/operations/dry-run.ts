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

/** The result of one check, or of a condition that is tested before all checks. */
export type CheckResult = { name: string } & CheckVerdict;

/** What would become of an order. Nothing was recorded or sent. */
export type DryRun =
  /** The same order was accepted before; this is its transfer. */
  | { kind: 'known'; transfer: TransferRow }
  | {
      kind: 'would_send' | 'would_hold' | 'would_fail';
      /** The transfer as it would be accepted. Its id is not the one it would get. */
      transfer: TransferRow;
      /** In the order in which they run. The first that does not pass decides. */
      checks: CheckResult[];
    };

export interface DryRunContext {
  ledger: Ledger;
  account: KpayAccount;
  rules?: ReadonlyMap<string, AccountRules> | undefined;
  plugins: readonly Plugin[];
  signal: AbortSignal;
}

/**
 * Predicts what would become of an order now. It runs the real acceptance in a transaction that is rolled back, and
 * then all real checks on the row.
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
  const results = [...(await beforeChecks(ledger, transfer, now))];
  const checks = checksOf(rules.get(account.name) ?? noRules, plugins);
  for (const check of checks) {
    results.push({ name: check.name, ...(await ask(check, transfer, { account, ledger, now, signal })) });
  }
  const decides = results.find(({ verdict }) => verdict !== 'pass')?.verdict ?? 'pass';
  return {
    kind: ({ pass: 'would_send', hold: 'would_hold', reject: 'would_fail' } as const)[decides],
    transfer,
    checks: results,
  };
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

/** The conditions that stop a send whatever the checks say. */
async function beforeChecks({ db }: Ledger, transfer: TransferRow, now: Date): Promise<CheckResult[]> {
  const checks: CheckResult[] = [];
  const { restored_at } = await db.selectFrom('kpay.ledger').select('restored_at').executeTakeFirstOrThrow();
  if (restored_at) {
    const reason = 'the ledger was restored from a backup: nothing is sent until kpay restore finish';
    checks.push({ name: 'restore', verdict: 'hold', code: 'restored', reason, until: now });
  }
  const pause = await findPause(db, transfer, now);
  if (pause) checks.push({ name: 'pause', verdict: 'hold', ...pauseHold(pause, now) });
  const streak = await unknownStreakOf(db, transfer.account);
  if (await isBreakerOpen(db, transfer.account, streak, now)) checks.push({ name: 'breaker', ...breakerHold(now) });
  return checks;
}

async function ask(check: Parameters<typeof askCheck>[0], transfer: TransferRow, context: CheckContext): Promise<CheckVerdict> {
  try {
    return await askCheck(check, transfer, context);
  } catch (error) {
    return unavailable(error, `check ${check.name}`, context.now);
  }
}
