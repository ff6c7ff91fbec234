import { randomUUID } from 'node:crypto';
import { type Logger, repeat } from '@kpay/runtime';
import type { Ledger } from '@kpay/transfers';
import type { Sink } from '@kpay/transfers/plugin';
import { deliverToSink, leaveSink, type SinkDelivery } from '@kpay/transfers/worker';

const POLL_EVERY_MS = 500;

/**
 * Delivers every event to a plugin's sink for as long as the worker runs. @returns a function that stops it; another
 * process then continues.
 */
export function runSink(options: { ledger: Ledger; plugin: string; sink: Sink; logger: Logger }): () => Promise<void> {
  const { logger, plugin, sink } = options;
  const name = `${plugin}/${sink.name}`;
  const onFailure = (error: unknown) =>
    logger.error({ err: error, plugin, sink: name }, 'a sink failed; it gets the same events again');
  const delivery: SinkDelivery = { ...options, holder: randomUUID(), onFailure };
  const stop = repeat(
    async (signal) => {
      while (!signal.aborted && (await deliverToSink(delivery, signal)));
    },
    POLL_EVERY_MS,
    (error) => logger.error({ err: error, sink: name }, 'cannot deliver events to a sink'),
  );
  return async () => {
    await stop();
    await leaveSink(delivery).catch((error: unknown) =>
      logger.warn({ err: error, sink: name }, 'cannot give back the lease of a sink'),
    );
  };
}
