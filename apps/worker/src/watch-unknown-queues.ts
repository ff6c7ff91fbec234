import { queuePrefix, transferQueueName } from '@kpay/producer';
import { type Logger, type Queues, repeat } from '@kpay/runtime';
import { Gauge, type Registry } from 'prom-client';

// A search walks through all of Redis' keys.
const SEARCH_EVERY_MS = 60_000;

export interface UnknownQueuesOptions {
  queues: Queues;
  /** The names of all configured accounts, including those that other workers serve. */
  accounts: Iterable<string>;
  registry: Registry;
  logger: Logger;
  everyMs?: number;
}

/**
 * Counts the transfer queues that have jobs but no account. A producer enqueues under a wrong name, and no worker will
 * ever take the jobs. Each name is logged once; names from outside never become metric labels.
 *
 * @returns a function that stops it.
 */
export function watchUnknownQueues(options: UnknownQueuesOptions): () => Promise<void> {
  const { queues, registry, logger, everyMs = SEARCH_EVERY_MS } = options;
  const known = new Set([...options.accounts].map((account) => `${queuePrefix(account)}:${transferQueueName(account)}`));
  const names = new Set([...options.accounts].map(transferQueueName));
  const logged = new Set<string>();
  const gauge = new Gauge({
    name: 'kpay_unknown_queues',
    help: 'Transfer queues with jobs but without an account. Searched once a minute; the log names them.',
    registers: [registry],
  });
  async function search(): Promise<void> {
    const found = await queues.findQueues({ prefix: queuePrefix('').slice(0, -1), name: transferQueueName('') });
    const unknown = found.filter(({ prefix, name }) =>
      prefix === undefined ? !names.has(name) : !known.has(`${prefix}:${name}`),
    );
    gauge.set(unknown.length);
    for (const { prefix, name } of unknown) {
      const queue = (prefix === undefined ? name : `${prefix}:${name}`).slice(0, 200);
      if (logged.has(queue) || logged.size >= 1_000) continue;
      logged.add(queue);
      logger.warn({ queue }, 'a queue has jobs, but there is no such account: nobody takes them');
    }
  }
  return repeat(search, everyMs, (error) => logger.error({ err: error }, 'cannot search for queues without an account'));
}
