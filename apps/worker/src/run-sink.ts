import { randomUUID } from 'node:crypto';
import { type Logger, repeat } from '@kpay/runtime';
import type { Ledger } from '@kpay/transfers';
import type { Sink } from '@kpay/transfers/plugin';
import { deliverToSink, leaveSink, type SinkDelivery } from '@kpay/transfers/worker';

const POLL_EVERY_MS = 500;

/** Tells a plugin's sink of every event for as long as the worker runs. @returns how to stop; another process goes on then. */
export function runSink(options: { ledger: Ledger; plugin: string; sink: Sink; logger: Logger }): () => Promise<void> {
  const { logger, plugin, sink } = options;
  const name = `${plugin}/${sink.name}`;
  const onFailure = (error: unknown) => logger.error({ err: error, plugin, sink: name }, 'a sink failed, it is told again');
  const delivery: SinkDelivery = { ...options, holder: randomUUID(), onFailure };
  const stop = repeat(
    async (signal) => {
      while (!signal.aborted && (await deliverToSink(delivery, signal)));
    },
    POLL_EVERY_MS,
    (error) => logger.error({ err: error, sink: name }, 'a sink could not be told'),
  );
  return async () => {
    await stop();
    await leaveSink(delivery).catch((error: unknown) => logger.warn({ err: error, sink: name }, 'a sink keeps its lease'));
  };
}
