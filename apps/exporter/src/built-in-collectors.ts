import { BUILT_IN, type Plugin } from '@kpay/transfers/plugin';
import { availabilityCollector } from './collectors/availability.ts';
import { availabilityHistoryCollector } from './collectors/availability-history.ts';
import { balancesCollector } from './collectors/balances.ts';
import { budgetCollector } from './collectors/budget.ts';
import { freshnessCollector } from './collectors/freshness.ts';
import { ratesCollector } from './collectors/rates.ts';
import { timeToEmptyCollector } from './collectors/time-to-empty.ts';
import { unknownValuesCollector } from './collectors/unknown-values.ts';

/** The built-in collectors, as a plugin like any other. */
export const builtInCollectors: Plugin = {
  name: BUILT_IN,
  collectors: [
    freshnessCollector,
    availabilityCollector,
    availabilityHistoryCollector,
    balancesCollector,
    timeToEmptyCollector,
    ratesCollector,
    budgetCollector,
    unknownValuesCollector,
  ],
};
