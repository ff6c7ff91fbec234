import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createProducer, type QueueProducer, queuePrefix, transferQueueName } from '../src/index.ts';
import { type Process, startStandIn } from './stand-in-worker.ts';

export const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };

let accounts = 0;
/** Each test has an account of its own. */
export const newAccount = (): string => `account-${++accounts}`;

/** Producers, workers and onlookers on one Redis. */
export interface Stage {
  open(account: string): QueueProducer;
  work(account: string, process?: Process): void;
  /** The queue as another BullMQ client sees it. */
  look(account: string): Queue;
  /** Has something closed after the test, the newest first. */
  later(close: () => unknown): void;
  close(): Promise<void>;
}

export function createStage(url: string): Stage {
  const closers: (() => unknown)[] = [];
  return {
    open(account) {
      const producer = createProducer({ account, connection: url });
      closers.push(producer.close);
      return producer;
    },
    work(account, process) {
      closers.push(startStandIn(url, account, process).close);
    },
    look(account) {
      const connection = new Redis(url, { maxRetriesPerRequest: null });
      const queue = new Queue(transferQueueName(account), { connection, prefix: queuePrefix(account) });
      closers.push(async () => {
        await queue.close();
        connection.disconnect();
      });
      return queue;
    },
    later: (close) => void closers.push(close),
    async close() {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}
