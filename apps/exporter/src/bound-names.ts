import type { CountryAvailability, Observed, WalletBalance } from '@kpay/core';
import { CODE } from './collectors/availability.ts';

/** Operators that our catalogue does not list, and currencies, that an account may show in the life of this process. */
const MOST_OPERATORS = 200;
const MOST_CURRENCIES = 50;

/** Passes KPay's answers on without the names that would be too many. */
export interface NameBounds {
  availability(observed: Observed<CountryAvailability[]>): Observed<CountryAvailability[]>;
  balance(observed: Observed<WalletBalance[]>): Observed<WalletBalance[]>;
}

/**
 * KPay's names of countries, operators and currencies become labels, and a series that once was is kept by counters and by
 * Prometheus. What the catalogue lists is always shown; of what looks like a code besides, the first that come. The rest is left
 * out and told. What does not look like a code is no label anywhere, so it is let through to be counted.
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
        // A new country that has nothing to show would still be a label.
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

/** Lets in so many different names, and those again. */
function createRoom(most: number): { admits(name: string): boolean } {
  const names = new Set<string>();
  return {
    admits(name) {
      if (names.size < most) names.add(name);
      return names.has(name);
    },
  };
}
