import type { TransferJobData } from '@kpay/producer';

/** Ten corridors over seven currencies, each pair with its own rate. */
export const corridors: readonly { from: string; to: string; pair: string; minRate: string }[] = [
  { from: 'CMR', to: 'SEN', pair: 'XAF:XOF', minRate: '1.01' },
  { from: 'CIV', to: 'GAB', pair: 'XOF:XAF', minRate: '0.98' },
  { from: 'KEN', to: 'UGA', pair: 'KES:UGX', minRate: '27' },
  { from: 'UGA', to: 'RWA', pair: 'UGX:RWF', minRate: '0.4' },
  { from: 'RWA', to: 'KEN', pair: 'RWF:KES', minRate: '0.088' },
  { from: 'ZMB', to: 'CMR', pair: 'ZMW:XAF', minRate: '25' },
  { from: 'SLE', to: 'BEN', pair: 'SLE:XOF', minRate: '26' },
  { from: 'GAB', to: 'KEN', pair: 'XAF:KES', minRate: '0.21' },
  { from: 'SEN', to: 'RWA', pair: 'XOF:RWF', minRate: '2.3' },
  { from: 'KEN', to: 'COG', pair: 'KES:XAF', minRate: '4.6' },
];

/** Orders spread evenly over the corridors, small enough that the simulator's wallets never run dry. */
export function makeOrders(count: number, name: string): TransferJobData[] {
  return Array.from({ length: count }, (_, index) => {
    const { from, to, minRate } = corridors[index % corridors.length] ?? corridorMissing();
    return { externalId: `${name}-${index}`, sourceCountry: from, destinationCountry: to, amount: 100, minRate };
  });
}

function corridorMissing(): never {
  throw new Error('there are no corridors');
}
