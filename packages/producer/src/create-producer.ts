import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { JobsOptions, QueueEvents, Telemetry } from 'bullmq';
import { carryTrace } from './carry-trace.ts';
import { QueueUnavailable } from './errors.ts';
import { type EnqueuedJob, followJob, type ReadJob, readAcceptance, readResult, type WaitOptions } from './follow-job.ts';
import { parseTransferRequest, type TransferRequest } from './parse-transfer-request.ts';
import { queuePrefix, TRANSFER_JOB, transferQueueName } from './queue-names.ts';
import { openRedisSource, type QueueSource, type RedisSource, type RedisTarget } from './queue-source.ts';
import type { TransferJobData, TransferJobResult } from './transfer-job.ts';

const DAY_S = 24 * 60 * 60;
/** Of each account and end: Redis must hold them all, at about 2 kB each. */
const KEPT_JOBS = 5_000;
const ACCEPTED_WITHIN_MS = 30_000;
const FINISHED_WITHIN_MS = 15 * 60_000;

export interface ProducerOptions {
  /** The account whose money moves, as the workers name it. A name that no worker has leaves jobs waiting. */
  account: string;
  /** BullMQ's telemetry, such as that of `bullmq-otel`: for a span of the enqueuing. Jobs carry the caller's trace without it. */
  telemetry?: Telemetry;
}

/** Where the queue is: a Redis, or whatever makes BullMQ's objects in this process. */
export type QueuePlace = { connection: RedisTarget } | { queues: QueueSource };

export interface Producer {
  /**
   * Puts a transfer into its account's queue. Keep the `externalId`: the same request with it gives the same transfer,
   * whenever and however often it is enqueued; another request with it is refused by the worker.
   *
   * @throws InvalidTransferRequest; QueueUnavailable within two seconds while Redis is away.
   */
  enqueue(request: TransferRequest): Promise<EnqueuedTransfer>;
  /** Ends all waits and connections that this producer made. */
  close(): Promise<void>;
}

export interface EnqueuedTransfer {
  externalId: string;
  jobId: string;
  /**
   * Waits, 30 s by default, until the transfer is durable in the ledger. From then on it is never lost.
   *
   * @throws TransferFailed when it was refused; JobRemoved; WaitTimedOut.
   */
  accepted(options?: WaitOptions): Promise<{ transferId: string }>;
  /**
   * Waits, 15 minutes by default, until the money has moved. A transfer that is held or paused takes longer.
   *
   * @throws TransferFailed when it ended without moving money; JobRemoved; WaitTimedOut.
   */
  finished(options?: WaitOptions): Promise<TransferJobResult>;
}

/** Opens an account's transfer queue for a service that has no ledger. It connects at once and reconnects by itself. */
export function createProducer({ account, telemetry, ...place }: ProducerOptions & QueuePlace): Producer {
  const source: QueueSource & Partial<RedisSource> = 'queues' in place ? place.queues : openRedisSource(place.connection);
  const name = transferQueueName(account);
  const prefix = queuePrefix(account);
  const queue = source.queue(name, telemetry ? { prefix, telemetry } : { prefix });
  queue.on('error', toldByEachCall);
  const news = new EventEmitter().setMaxListeners(0);
  const closing = new AbortController();
  let events: QueueEvents | undefined;

  // Only once somebody waits: it takes a connection of its own.
  const listen = () => {
    if (events) return;
    const tell = ({ jobId }: { jobId: string }) => news.emit(jobId);
    events = source.queueEvents(name, { prefix });
    events.on('error', toldByEachCall).on('progress', tell).on('completed', tell).on('failed', tell).on('removed', tell);
  };
  const wait = <T>(job: EnqueuedJob, read: ReadJob<T>, { signal, timeoutMs }: WaitOptions & { timeoutMs: number }) => {
    closing.signal.throwIfAborted();
    listen();
    return followJob({ queue, news, closed: closing.signal, ...job }, read, { timeoutMs, signal });
  };
  return {
    async enqueue(request) {
      closing.signal.throwIfAborted();
      const data = parseTransferRequest(request);
      const job = { externalId: data.externalId, jobId: jobIdOf(data) };
      try {
        await source.ready?.();
        // With telemetry BullMQ does it, and makes a span of its own.
        const trace = telemetry ? {} : carryTrace();
        await queue.add(TRANSFER_JOB, data, { ...jobOptions(job, data), ...trace });
      } catch (error) {
        throw new QueueUnavailable(job.externalId, error);
      }
      return {
        ...job,
        accepted: async (options) => wait(job, readAcceptance, { timeoutMs: ACCEPTED_WITHIN_MS, ...options }),
        finished: async (options) => wait(job, readResult, { timeoutMs: FINISHED_WITHIN_MS, ...options }),
      };
    },
    async close() {
      closing.abort(new Error('the producer is closed'));
      await events?.close();
      await queue.close();
      source.release?.();
    },
  };
}

// A connection's errors come as events too, and Node ends the process over one that nobody hears.
function toldByEachCall(): void {}

/**
 * The whole request is in the id. Under the externalId alone, BullMQ would silently hand the earlier job to somebody
 * who asks for something else under it; so that is a job of its own, which the worker refuses.
 */
function jobIdOf(data: TransferJobData): string {
  // The letter, because BullMQ takes no id that is all digits. The schema puts the fields in one order.
  return `x-${createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 40)}`;
}

function jobOptions({ jobId }: EnqueuedJob, { priority = 5 }: TransferJobData): JobsOptions {
  return {
    jobId,
    // The worker decides what is tried again.
    attempts: 1,
    // BullMQ's most urgent is 1.
    priority: 10 - priority,
    removeOnComplete: { age: DAY_S, count: KEPT_JOBS },
    removeOnFail: { age: DAY_S, count: KEPT_JOBS },
  };
}
