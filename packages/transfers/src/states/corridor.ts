import { currencyOf, UnknownCountryError } from '@kpay/core';
import type { TransferRow } from '@kpay/ledger';

/** The corridor of a transfer, as `CMR-GAB`. */
export function corridorOf(transfer: Pick<TransferRow, 'source_country' | 'destination_country'>): string {
  return `${transfer.source_country}-${transfer.destination_country}`;
}

/**
 * Why no transfer can have this corridor, as text that follows its name; undefined when one can. A pause or limit for
 * an impossible corridor would stop nothing, while the person who mistyped it believes that it does.
 *
 * @param currency the currency of the limit that names the corridor.
 */
export function whyNoCorridor(corridor: string, currency?: string): string | undefined {
  const [source = '', destination = ''] = corridor.split('-');
  try {
    const held = currencyOf(source);
    currencyOf(destination);
    if (source === destination) return `is a corridor that no transfer can have: ${source} cannot send to itself`;
    if (currency === undefined || currency === held) return undefined;
    return `is a corridor that no ${currency} can use: ${source} holds ${held}`;
  } catch (error) {
    if (error instanceof UnknownCountryError) return `is a corridor that no transfer can have: a country ${error.message}`;
    throw error;
  }
}
