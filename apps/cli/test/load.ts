import type { Simulator } from '@kpay/simulator';
import { postTransfer } from './ask-api.ts';

const LANES = 6;

/** A client that repeats each order, under the same externalId, until it gets a 202. */
export function createClient() {
  const accepted = new Map<string, string>();
  const unanswered: string[] = [];
  let made = 0;

  async function lane(apiUrl: string, most: () => boolean): Promise<void> {
    for (;;) {
      const externalId = unanswered.shift() ?? (most() ? `order-${++made}` : undefined);
      if (externalId === undefined) return;
      try {
        const { id } = await postTransfer(apiUrl, orderOf(externalId));
        accepted.set(externalId, id);
      } catch (error) {
        unanswered.push(externalId);
        // The error of fetch when the process is gone. Any answer other than 202 fails the test.
        if (!(error instanceof TypeError)) throw error;
        return;
      }
    }
  }
  return {
    accepted,
    /** Posts the orders without an answer, then up to `orders` new ones, until all are done or the process is dead. */
    async post(apiUrl: string, orders: number): Promise<void> {
      let left = orders;
      await Promise.all(Array.from({ length: LANES }, () => lane(apiUrl, () => left-- > 0)));
    },
  };
}

/** The description reaches KPay, so its record shows which order an effect belongs to. */
function orderOf(externalId: string) {
  const number = Number(externalId.replace('order-', ''));
  const destinationCountry = number % 2 === 0 ? 'GAB' : 'SEN';
  return { externalId, sourceCountry: 'CMR', destinationCountry, amount: 100 + (number % 7), description: externalId };
}

/** Makes this share of the sends end without an answer, some before and some after KPay applied them. */
export function addFaults({ control }: Simulator, share: number): void {
  const match = { endpoint: 'transfer' } as const;
  control.addFault({ match, probability: 0.4 * share, fault: { kind: 'drop', when: 'after' } });
  control.addFault({ match, probability: 0.3 * share, fault: { kind: 'status', status: 503, when: 'before' } });
  control.addFault({ match, probability: 0.3 * share, fault: { kind: 'status', status: 503, when: 'after' } });
}
