import type { Check } from '../checks/check.ts';
import { fundsCheck } from '../checks/funds.ts';
import { rateCheck } from '../checks/rate.ts';
import { scheduleCheck } from '../checks/schedule.ts';
import { BUILT_IN, type Plugin } from './plugin.ts';
import { asPlugin } from './stray-errors.ts';

/** The built-in checks as a plugin like anyone else's. What costs nothing to ask comes first. */
export function builtInPlugin(): Plugin {
  return { name: BUILT_IN, checks: [scheduleCheck, rateCheck, fundsCheck] };
}

/** The checks of an account in the order they are asked: the built-in ones, then each plugin's under its name. */
export function checksOf(plugins: readonly Plugin[]): Check[] {
  return [builtInPlugin(), ...plugins].flatMap(({ name, checks = [] }) =>
    checks.map((check) => {
      if (name === BUILT_IN) return check;
      const ask: Check['check'] = (transfer, context) => asPlugin(name, () => check.check(transfer, context));
      return { ...check, name: `${name}/${check.name}`, check: ask };
    }),
  );
}
