import type { KpayClient } from '../src/client/client.ts';
import { lanes } from '../src/stores/budget-store.ts';

/** A different read each time, in each lane in turn. */
export function callKpay(client: KpayClient, number: number): Promise<unknown> {
  const lane = lanes[number % lanes.length] ?? 'money';
  const options = { lane };
  const reads = [
    () => client.balance(options),
    () => client.availability(options),
    () => client.exchangeRate('XAF', 'XOF', options),
    () => client.predictProvider('237653456789', options),
    () => client.me(options),
  ];
  return (reads[number % reads.length] ?? (() => client.me(options)))();
}
