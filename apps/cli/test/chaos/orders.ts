import type { TransferRequest } from '@kpay/producer';
import type { Simulator } from '@kpay/simulator';
import { seededRandom } from '@kpay/testkit';

/** A customer's order. It never changes, however often it is repeated. */
export type Order = TransferRequest & { externalId: string; sourceCountry: string; amount: number };

/** The scarce wallet never has enough. Its transfers wait for each other's money and for deposits. */
export const SCARCE = { country: 'KEN', currency: 'KES' };

// Among them are a scarce corridor, one with a rate floor that always holds, and one within a currency.
const CORRIDORS = [
  { sourceCountry: 'CMR', destinationCountry: 'GAB' },
  { sourceCountry: 'CMR', destinationCountry: 'SEN', minRate: '1.01' },
  { sourceCountry: 'SEN', destinationCountry: 'CMR' },
  { sourceCountry: 'CIV', destinationCountry: 'UGA' },
  { sourceCountry: 'UGA', destinationCountry: 'RWA' },
  { sourceCountry: SCARCE.country, destinationCountry: 'RWA' },
] as const;
const EXPIRING = 0.03;
const FAILING_WITHOUT_FUNDS = 0.1;

/** The order with this number. In one run it is always the same, except for its expiry. */
export function makeOrder(number: number, seed: number): Order {
  const random = seededRandom(seed + number * 7_919);
  const externalId = `order-${number}`;
  const corridor = CORRIDORS[Math.floor(random() * CORRIDORS.length)] ?? CORRIDORS[0];
  const amount = 100 + Math.floor(random() * 50);
  const expiresInMs = 15_000 + random() * 45_000;
  return {
    ...corridor,
    externalId,
    // The description reaches KPay, so its record shows which order an effect belongs to.
    description: externalId,
    amount,
    priority: Math.floor(random() * 10),
    ...(random() < EXPIRING && { expiresAt: new Date(Date.now() + expiresInMs).toISOString() }),
    ...(random() < FAILING_WITHOUT_FUNDS && { onInsufficientFunds: 'fail' as const }),
  };
}

/** The amount that these orders take from the scarce wallet. */
export function needOf(orders: readonly Order[]): number {
  return orders.filter(({ sourceCountry }) => sourceCountry === SCARCE.country).reduce((sum, { amount }) => sum + amount, 0);
}

/** Deposits money into the scarce wallet. */
export function fund({ control }: Simulator, amount: number): void {
  const wallet = control.truth({ transfers: 0, requests: 0 }).wallets.find(({ country }) => country === SCARCE.country);
  control.setBalance({ country: SCARCE.country, balance: (Number(wallet?.balance) + amount).toFixed(2) });
}
