import { setTimeout as delay } from 'node:timers/promises';
import { type Producer, TransferFailed } from '@kpay/producer';
import { adminToken } from '../start-kpay.ts';
import type { Order } from './orders.ts';

const BY_REST = 0.25;
const BY_BOTH = 0.05;
const CANCELLED = 0.05;
// After this time a job is enqueued again, which changes nothing.
const ACCEPTED_WITHIN_MS = 5_000;
const AGAIN_MS = 100;

// A new connection for each request, as a load balancer makes them.
const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', connection: 'close' };

export interface CustomersOptions {
  producer: Producer;
  apiUrl: string;
  random: () => number;
  /** How long they wait for an answer of the API. */
  answerWithinMs: number;
}

export type Customers = ReturnType<typeof createCustomers>;

/**
 * Customers who repeat each order under the same externalId until it is accepted: by a job, by the API or by both at
 * once. They remember the answers. Some cancel right away.
 */
export function createCustomers({ producer, apiUrl, random, answerWithinMs }: CustomersOptions) {
  const orders = new Map<string, Order>();
  /** The transfer of each order, as each answer named it. */
  const accepted = new Map<string, Set<string>>();
  /** Orders that were refused for good, because they expired before they arrived. */
  const refused = new Map<string, string>();
  /** The API's answers to cancellations. */
  const cancellations = new Map<string, 'cancelled' | 'too_late'>();
  const count = {
    askedAgain: 0,
    /** Requests to the API without a usable answer: neither done, nor refused, nor "try again" (503). */
    failed: [] as string[],
  };

  async function post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> } | undefined> {
    const signal = AbortSignal.timeout(answerWithinMs);
    try {
      const answer = await fetch(`${apiUrl}/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal });
      if (answer.status < 500) return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
      const text = await answer.text();
      if (answer.status !== 503) count.failed.push(`${path}: ${answer.status} ${text}`);
    } catch (error) {
      count.failed.push(`${path}: ${error instanceof Error ? (error.cause ?? error) : error}`);
    }
    return undefined;
  }

  /** The transfer's id, or undefined without an answer. */
  async function askByRest(order: Order): Promise<string | undefined> {
    const answer = await post('/transfers', order);
    if (!answer) return undefined;
    if (answer.status !== 202) throw new Error(`the API said ${answer.status}: ${JSON.stringify(answer.body)}`);
    return String(answer.body.id);
  }

  async function askByJob(order: Order): Promise<string | undefined> {
    try {
      const enqueued = await producer.enqueue(order);
      return (await enqueued.accepted({ timeoutMs: ACCEPTED_WITHIN_MS })).transferId;
    } catch (error) {
      if (!(error instanceof TransferFailed)) return undefined;
      if (error.transferId === undefined) throw error;
      return error.transferId;
    }
  }

  async function askUntilAccepted(order: Order, ask: (order: Order) => Promise<string | undefined>): Promise<void> {
    for (;;) {
      const id = await ask(order).catch((error: unknown) => refuse(order, error));
      if (id === 'refused') return;
      if (id !== undefined) {
        accepted.set(order.externalId, (accepted.get(order.externalId) ?? new Set()).add(id));
        return;
      }
      count.askedAgain += 1;
      await delay(AGAIN_MS);
    }
  }

  function refuse(order: Order, error: unknown): 'refused' {
    const why = error instanceof Error ? error.message : String(error);
    if (order.expiresAt === undefined || Date.parse(order.expiresAt) > Date.now()) throw error;
    refused.set(order.externalId, why);
    return 'refused';
  }

  async function cancel(order: Order): Promise<void> {
    for (const id of accepted.get(order.externalId) ?? []) {
      const answer = await post(`/transfers/${id}/cancel`, { reason: 'changed my mind' });
      if (answer) cancellations.set(id, answer.status === 200 ? 'cancelled' : 'too_late');
    }
  }

  return {
    orders,
    accepted,
    refused,
    cancellations,
    count,
    /** Resolves when each order was accepted, however long that takes. */
    async place(wanted: readonly Order[]): Promise<void> {
      const placed = wanted.map(async (order) => {
        orders.set(order.externalId, order);
        const [door, cancels] = [random(), random() < CANCELLED];
        const asks = door < BY_BOTH ? [askByJob, askByRest] : door < BY_REST ? [askByRest] : [askByJob];
        await Promise.all(asks.map((ask) => askUntilAccepted(order, ask)));
        if (cancels) await cancel(order);
      });
      await Promise.all(placed);
    },
  };
}
