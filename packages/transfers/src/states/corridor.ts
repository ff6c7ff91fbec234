import { currencyOf, UnknownCountry } from '@kpay/core';
import type { TransferRow } from '@kpay/ledger';

/** The corridor of a transfer, as `CMR-GAB`. */
export function corridorOf(transfer: Pick<TransferRow, 'source_country' | 'destination_country'>): string {
  return `${transfer.source_country}-${transfer.destination_country}`;
}

/**
 * Why no transfer can have a corridor, to follow its name; undefined when one can. A pause or a limit of such a one would
 * stop nothing, and whoever mistyped it would believe that it does.
 *
 * @param currency of the limit that it is for.
 */
export function whyNoCorridor(corridor: string, currency?: string): string | undefined {
  const [source = '', destination = ''] = corridor.split('-');
  try {
    const held = currencyOf(source);
    currencyOf(destination);
    if (source === destination) return `is a corridor that no transfer has: ${source} cannot send to itself`;
    if (currency === undefined || currency === held) return undefined;
    return `is a corridor that no ${currency} leave by: ${source} holds ${held}`;
  } catch (error) {
    if (error instanceof UnknownCountry) return `is a corridor that no transfer has: a country ${error.message}`;
    throw error;
  }
}
