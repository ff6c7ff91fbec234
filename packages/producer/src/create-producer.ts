import { EventEmitter } from 'node:events';
import type { JobsOptions, Queue, QueueEvents, Telemetry } from 'bullmq';
import { kindOf, parseAccount, parseExternalId, parseOptions, parseWait, refuseMore, requireOpen } from './arguments.ts';
import { carryTrace } from './carry-trace.ts';
import { InvalidArgumentError, UnavailableError } from './errors.ts';
import { type EnqueuedJob, followJob, type ReadJob, readAcceptance, readResult } from './follow-job.ts';
import { describeJob, jobIdOf, jobIdOfOther, sameRequest, wasRefused } from './job-of.ts';
import { type ParsedTransferRequest, parseTransferRequest, type TransferRequest } from './parse-transfer-request.ts';
import type { EnqueuedTransfer, Producer, WaitOptions } from './producer.ts';
import { queuePrefix, TRANSFER_JOB, transferQueueName } from './queue-names.ts';
import { openRedisSource, parseRedisTarget, type QueueSource, type RedisSource, type RedisTarget } from './queue-source.ts';

const DAY_S = 24 * 60 * 60;
/** Of each account and end: Redis must hold them all, at about 2 kB each. */
const KEPT_JOBS = 5_000;
const ACCEPTED_WITHIN_MS = 30_000;
const FINISHED_WITHIN_MS = 15 * 60_000;

/** What a producer by queue is made of, beside the place of the queue. */
export interface ProducerOptions {
  /**
   * The account whose money moves, as the workers name it: 1 to 32 characters of a to z, 0 to 9 and -, such as `default`. A name
   * that no worker serves leaves jobs waiting.
   */
  account: string;
  /** BullMQ's telemetry, such as that of `bullmq-otel`: for a span of the enqueuing. Jobs carry the caller's trace without it. */
  telemetry?: Telemetry | undefined;
}

/** Where the queue is: a Redis, or whatever makes BullMQ's objects in this process. */
export type QueuePlace =
  | {
      /** A URL, ioredis options, or an ioredis client (5 or 6) to copy. */
      connection: RedisTarget;
      /** Not beside `connection`. */
      queues?: undefined;
    }
  | {
      /** An object that makes BullMQ's queues, such as the queues of @kpay/runtime. */
      queues: QueueSource;
      /** Not beside `queues`. */
      connection?: undefined;
    };

/** A transfer that was enqueued as a job. */
export interface QueuedTransfer extends EnqueuedTransfer {
  /** The id of its job in the account's queue. */
  readonly jobId: string;
}

/** Enqueues the transfers of one account as jobs. */
export interface QueueProducer extends Producer {
  /**
   * Puts a transfer into its account's queue. Keep the `externalId`: the same request with it gives the same transfer,
   * whenever and however often it is enqueued; another request with it is refused by the worker.
   *
   * @throws InvalidTransferRequestError; UnavailableError within three seconds while Redis is away; ClosedError.
   */
  enqueue(request: TransferRequest): Promise<QueuedTransfer>;
}

/**
 * Opens an account's transfer queue for a service that has no ledger. It connects at once and reconnects by itself.
 *
 * @throws InvalidArgumentError
 */
export function createProducer(options: ProducerOptions & QueuePlace): QueueProducer;
export function createProducer(options: ProducerOptions & QueuePlace, ...more: unknown[]): QueueProducer {
  const { account, telemetry, source } = parseProducerOptions(options);
  refuseMore('createProducer', 'one object of options', more);
  const name = transferQueueName(account);
  const prefix = queuePrefix(account);
  const queue = source.queue(name, telemetry ? { prefix, telemetry } : { prefix });
  queue.on('error', toldByEachCall);
  const news = new EventEmitter().setMaxListeners(0);
  const closing = new AbortController();
  let events: QueueEvents | undefined;
  let closed: Promise<void> | undefined;

  // Only once somebody waits: it takes a connection of its own.
  const listen = () => {
    if (events) return;
    const tell = ({ jobId }: { jobId: string }) => news.emit(jobId);
    events = source.queueEvents(name, { prefix });
    events.on('error', toldByEachCall).on('progress', tell).on('completed', tell).on('failed', tell).on('removed', tell);
  };
  const wait = async <T>(job: EnqueuedJob, read: ReadJob<T>, options: unknown, otherwiseMs: number) => {
    const waiting = parseWait(options, otherwiseMs);
    requireOpen(closing.signal, job.request.externalId);
    listen();
    return followJob({ queue, news, closed: closing.signal, ...job }, read, waiting);
  };
  const add = async (jobId: string, request: ParsedTransferRequest) => {
    // With telemetry BullMQ does it, and makes a span of its own.
    const trace = telemetry ? {} : carryTrace();
    await queue.add(TRANSFER_JOB, request, { ...jobOptions(jobId, request), ...trace });
  };
  const close = async () => {
    closing.abort();
    await events?.close();
    await queue.close();
    source.release?.();
  };
  return {
    async enqueue(request, ...more: unknown[]) {
      refuseMore('enqueue', 'one request', more);
      requireOpen(closing.signal);
      const parsed = parseTransferRequest(request);
      const { externalId } = parsed;
      const jobId = await placeJob(queue, add, parsed, source.ready).catch((error: unknown) => {
        throw new UnavailableError(
          `the queue did not confirm (${messageOf(error)}): nothing is known to be enqueued, ` +
            `repeating with externalId "${externalId}" is safe`,
          { externalId, cause: error },
        );
      });
      const job: EnqueuedJob = { jobId, request: parsed };
      return {
        externalId,
        jobId,
        async accepted(options?: WaitOptions, ...rest: unknown[]) {
          refuseMore('accepted', 'one object of options', rest);
          return wait(job, readAcceptance, options, ACCEPTED_WITHIN_MS);
        },
        async finished(options?: WaitOptions, ...rest: unknown[]) {
          refuseMore('finished', 'one object of options', rest);
          return wait(job, readResult, options, FINISHED_WITHIN_MS);
        },
      };
    },
    async get(given, ...more: unknown[]) {
      refuseMore('get', 'one externalId', more);
      const externalId = parseExternalId(given);
      requireOpen(closing.signal, externalId);
      try {
        await source.ready?.();
        const job = await queue.getJob(jobIdOf(externalId));
        return job && describeJob(job, externalId);
      } catch (error) {
        throw new UnavailableError(`the queue did not answer (${messageOf(error)}): ask again`, { externalId, cause: error });
      }
    },
    async close() {
      closed ??= close();
      await closed;
    },
  };
}

function parseProducerOptions(options: unknown): {
  account: string;
  telemetry: Telemetry | undefined;
  source: QueueSource & Partial<RedisSource>;
} {
  const given = parseOptions('options', options, ['account', 'connection', 'queues', 'telemetry']);
  const account = parseAccount(given.account);
  const { telemetry, connection, queues } = given;
  if (telemetry !== undefined && !(telemetry instanceof Object && 'tracer' in telemetry && 'contextManager' in telemetry)) {
    throw new InvalidArgumentError('telemetry', `must be BullMQ's telemetry, such as a BullMQOtel, not ${kindOf(telemetry)}`);
  }
  if (connection !== undefined && queues !== undefined) {
    throw new InvalidArgumentError('queues', 'must be left out beside connection: give one of them');
  }
  return {
    account,
    telemetry: telemetry as Telemetry | undefined,
    source: queues === undefined ? openRedisSource(parseRedisTarget(connection)) : requireQueues(queues),
  };
}

function requireQueues(queues: unknown): QueueSource {
  if (queues instanceof Object && 'queue' in queues && 'queueEvents' in queues) return queues as QueueSource;
  throw new InvalidArgumentError('queues', `must be an object with queue() and queueEvents(), not ${kindOf(queues)}`);
}

// A connection's errors come as events too, and Node ends the process over one that nobody hears.
function toldByEachCall(): void {}

/**
 * Adds the job of a request, and says which it is. The job of an externalId carries one request: BullMQ would silently hand it to
 * somebody who asks for something else under the same id. So that is a job of its own, which the worker refuses. A request that was
 * refused before is no transfer, and gives its place to the next one.
 */
async function placeJob(
  queue: Queue,
  add: (jobId: string, request: ParsedTransferRequest) => Promise<void>,
  request: ParsedTransferRequest,
  ready: (() => Promise<void>) | undefined,
): Promise<string> {
  await ready?.();
  const jobId = jobIdOf(request.externalId);
  await add(jobId, request);
  let there = await queue.getJob(jobId);
  if (there && !sameRequest(there, request) && wasRefused(there)) {
    await there.remove();
    await add(jobId, request);
    there = await queue.getJob(jobId);
  }
  if (!there || sameRequest(there, request)) return jobId;
  const other = jobIdOfOther(request);
  await add(other, request);
  return other;
}

function jobOptions(jobId: string, { priority = 5 }: ParsedTransferRequest): JobsOptions {
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
