import type { TransferRow } from '@kpay/ledger';
import type { AccountRules } from '../checks/account-rules.ts';
import type { Check, CheckVerdict } from '../checks/check.ts';
import { destinationPayoutsCheck } from '../checks/destination-payouts.ts';
import { fundsCheck } from '../checks/funds.ts';
import { rateCheck } from '../checks/rate.ts';
import { scheduleCheck } from '../checks/schedule.ts';
import { spendLimitCheck } from '../checks/spend-limit.ts';
import { timeWindowCheck } from '../checks/time-window.ts';
import { presentTransfer } from '../queries/present.ts';
import type { CheckedTransfer, Plugin } from './plugin.ts';
import { asPlugin } from './stray-errors.ts';

/** The built-in checks of an account, the cheapest first. */
function builtInChecks({ sendWindow, checkDestinationPayouts, spendLimits }: AccountRules): Check[] {
  return [
    scheduleCheck,
    ...(sendWindow === null ? [] : [timeWindowCheck(sendWindow)]),
    ...(spendLimits.length === 0 ? [] : [spendLimitCheck(spendLimits)]),
    ...(checkDestinationPayouts ? [destinationPayoutsCheck] : []),
    rateCheck,
    fundsCheck,
  ];
}

/** The checks of an account in order: the built-in ones, then those of each plugin, under the plugin's name. */
export function checksOf(rules: AccountRules, plugins: readonly Plugin[]): Check[] {
  const ofPlugins = plugins.flatMap(({ name, checks = [] }) =>
    checks.map(
      (check): Check => ({
        ...check,
        name: `${name}/${check.name}`,
        async check(row, context) {
          return underName(name, await asPlugin(name, () => check.check(viewOf(row), context)));
        },
      }),
    ),
  );
  return [...builtInChecks(rules), ...ofPlugins];
}

/**
 * What a plugin's check receives: a copy, so that the check cannot change what is sent. Reading a column of the row
 * where it was before throws, and the transfer is held. Otherwise `undefined` could make a check pass.
 */
function viewOf(row: TransferRow): CheckedTransfer {
  const view = { ...presentTransfer(row), row: structuredClone(row) };
  for (const column of Object.keys(row).filter((name) => !Object.hasOwn(view, name))) {
    Object.defineProperty(view, column, {
      get() {
        throw new Error(`transfer.${column} is no field of a transfer: take the API's field, or transfer.row.${column}`);
      },
    });
  }
  return view;
}

/**
 * Puts the plugin's name before the code, so that a plugin's hold is never mistaken for a built-in one, which other
 * events end.
 */
function underName(name: string, verdict: CheckVerdict): CheckVerdict {
  return Object.hasOwn(Object(verdict), 'code') && 'code' in verdict ? { ...verdict, code: `${name}/${verdict.code}` } : verdict;
}
