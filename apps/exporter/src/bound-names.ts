import type { CountryAvailability, Observed, WalletBalance } from '@kpay/core';
import { CODE } from './collectors/availability.ts';

/** How many operators and currencies outside our catalogue an account may show during the life of this process. */
const MOST_OPERATORS = 200;
const MOST_CURRENCIES = 50;

/** Passes KPay's answers on without the names that exceed the bounds. */
export interface NameBounds {
  availability(observed: Observed<CountryAvailability[]>): Observed<CountryAvailability[]>;
  balance(observed: Observed<WalletBalance[]>): Observed<WalletBalance[]>;
}

/**
 * KPay's names of countries, operators and currencies become labels, and counters and Prometheus keep every series that
 * ever existed. Names of the catalogue are always shown. Of other names that look like codes, the first ones are shown;
 * the rest is left out and counted. Names that do not look like codes never become labels, so they pass and are counted
 * elsewhere.
 */
export function boundNames(onLeftOut: (field: 'provider' | 'currency') => void): NameBounds {
  const operators = createRoom(MOST_OPERATORS);
  const currencies = createRoom(MOST_CURRENCIES);
  return {
    availability(observed) {
      const value = observed.value.flatMap((country) => {
        const providers = country.providers.filter(({ provider, known }) => {
          const isListed = country.known && known;
          const isLabel = CODE.test(country.country) && CODE.test(provider);
          if (isListed || !isLabel || operators.admits(`${country.country} ${provider}`)) return true;
          onLeftOut('provider');
          return false;
        });
        // A new country with nothing to show would still become a label.
        return country.known || providers.length > 0 ? [{ ...country, providers }] : [];
      });
      return { ...observed, value };
    },
    balance(observed) {
      const value = observed.value.filter(({ currency, known }) => {
        if (known || !/^[A-Z]{3}$/.test(currency) || currencies.admits(currency)) return true;
        onLeftOut('currency');
        return false;
      });
      return { ...observed, value };
    },
  };
}

/** Admits the first `most` different names, and each of them again. */
function createRoom(most: number): { admits(name: string): boolean } {
  const names = new Set<string>();
  return {
    admits(name) {
      if (names.size < most) names.add(name);
      return names.has(name);
    },
  };
}
