import type { AccountRules } from '../checks/account-rules.ts';
import type { Check, CheckVerdict } from '../checks/check.ts';
import { destinationPayoutsCheck } from '../checks/destination-payouts.ts';
import { fundsCheck } from '../checks/funds.ts';
import { rateCheck } from '../checks/rate.ts';
import { scheduleCheck } from '../checks/schedule.ts';
import { spendLimitCheck } from '../checks/spend-limit.ts';
import { timeWindowCheck } from '../checks/time-window.ts';
import { BUILT_IN, type Plugin } from './plugin.ts';
import { asPlugin } from './stray-errors.ts';

/** The built-in checks as a plugin like anyone else's. What costs nothing to ask comes first. */
export function builtInPlugin({ sendWindow, checkDestinationPayouts, spendLimits }: AccountRules): Plugin {
  return {
    name: BUILT_IN,
    checks: [
      scheduleCheck,
      ...(sendWindow === null ? [] : [timeWindowCheck(sendWindow)]),
      ...(spendLimits.length === 0 ? [] : [spendLimitCheck(spendLimits)]),
      ...(checkDestinationPayouts ? [destinationPayoutsCheck] : []),
      rateCheck,
      fundsCheck,
    ],
  };
}

/** The checks of an account in the order they are asked: the built-in ones, then each plugin's under its name. */
export function checksOf(rules: AccountRules, plugins: readonly Plugin[]): Check[] {
  return [builtInPlugin(rules), ...plugins].flatMap(({ name, checks = [] }) =>
    checks.map((check) => {
      if (name === BUILT_IN) return check;
      // A copy: the row goes on to be sent.
      const ask: Check['check'] = async (transfer, context) =>
        underName(name, await asPlugin(name, () => check.check(structuredClone(transfer), context)));
      return { ...check, name: `${name}/${check.name}`, check: ask };
    }),
  );
}

/** So that no plugin's hold is taken for one of ours, which are let go by what ours wait for. */
function underName(name: string, verdict: CheckVerdict): CheckVerdict {
  return Object.hasOwn(Object(verdict), 'code') && 'code' in verdict ? { ...verdict, code: `${name}/${verdict.code}` } : verdict;
}
