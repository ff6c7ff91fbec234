import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type KpayAccount, systemClock } from '@kpay/core';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { type Logger, type Queues, repeat } from '@kpay/runtime';
import type { Ledger, PinMismatch, TransferRow } from '@kpay/transfers';
import type { Plugin } from '@kpay/transfers/plugin';
import {
  type AccountActivity,
  type AccountRules,
  type AdvanceJob,
  advanceQueueName,
  checksOf,
  createAdvanceNotifier,
  type LedgerEpoch,
  noRules,
  type Pin,
  sweepDue,
  type TransferEngine,
  wakeByRules,
  wakePayable,
} from '@kpay/transfers/worker';
import type { Processor } from 'bullmq';
import { createAdvanceProcessor } from './advance-processor.ts';
import { ADMISSION_BURST, openCompletionWaiters } from './completion-waiters.ts';
import type { limitConcurrency } from './limit-concurrency.ts';
import type { Liveness } from './liveness.ts';
import { createTransferJobProcessor } from './transfer-job-processor.ts';
import type { TransferMetrics } from './transfer-metrics.ts';
import { wakeJob } from './wake-job.ts';
import { type ObservationPace, watchHeld } from './watch-held.ts';

const SWEEP_EVERY_MS = 1_000;
/** KPay is asked at most once a minute. A value that another process read is noticed within this time. */
const PAYABLE_EVERY_MS = 5_000;
/** The most jobs of callers that wait in this process for their transfers to complete. */
const MAX_WAITERS = 1_000;
/**
 * Jobs in intake besides those that wait for completion. BullMQ fetches up to `concurrency` jobs before it processes the first,
 * and renews no locks meanwhile. A large value makes a slow machine lose those locks to other workers (decision 0034). BullMQ
 * fetches another job only when one is done, so not all of these may wait for completion.
 */
const INTAKE_CONCURRENCY = ADMISSION_BURST + 10;
/**
 * A killed process leaves its jobs locked, and a locked advance job keeps the sweep from making another for the same row. With
 * BullMQ's default of 30 s a restart would wait for up to a minute. A job that only seems dead runs twice at worst and finds
 * the same transfer, so the number of stalls has no limit.
 */
const STALLS = { lockDuration: 5_000, stalledInterval: 2_500, maxStalledCount: 2 ** 31 - 1 };
/**
 * How many completed and how many failed jobs a queue keeps, and for how long, where the client set nothing. The jobs of a plain
 * BullMQ client would stay for ever: about 2 kB each, 0.3 GB a day at full rate, in a Redis that must not evict. The ledger knows a
 * transfer by its externalId for ever, so nothing depends on a removed job.
 */
const KEPT_JOBS = 5_000;
const KEPT_S = 86_400;

/** Names this process in attempts and events. */
const PROCESS_NAME = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;

export interface AccountServiceOptions {
  ledger: Ledger;
  epoch: LedgerEpoch;
  account: KpayAccount;
  /** The names of all accounts that exist. */
  accounts: ReadonlySet<string>;
  queues: Queues;
  metrics: TransferMetrics;
  /** Knows what of this service must keep running. */
  liveness: Liveness;
  logger: Logger;
  /** How many transfers are advanced at once. */
  concurrency: number;
  conflictConfirmMs: number;
  /** How many ended jobs are kept where the client set nothing. Default: 5,000. */
  keptJobs?: number | undefined;
  /** The rules of those accounts that have any. */
  rules?: ReadonlyMap<string, AccountRules> | undefined;
  /** Their checks run before each first send, after the built-in ones. */
  plugins?: readonly Plugin[] | undefined;
  observeEveryMs: ObservationPace;
  /** What the account has to do. Loops that have nothing to do rest. */
  activity: () => AccountActivity | undefined;
  /** Limits how many accounts are swept at once. */
  sweepInTurn: ReturnType<typeof limitConcurrency>;
  /** Called once when the account turns out to belong to another KPay application than the ledger's (law 7). */
  onMismatch: (mismatch: PinMismatch) => Promise<void>;
}

/** One account's two queues in this process. */
export interface AccountService {
  /** The jobs of the transfer queue, by state. */
  countJobs(): Promise<Readonly<Record<string, number>>>;
  /** Begins to send, once `/me` has matched the pin. Call it once. */
  advance(pin: Pin): void;
  /** Takes no new job, lets sends under way end, then closes. */
  close(): Promise<void>;
}

/** Opens an account's intake at once. Sending waits for `advance`. */
export function openAccountService(options: AccountServiceOptions): AccountService {
  const { ledger, epoch, account, accounts, rules, queues, metrics, liveness, logger, activity } = options;
  const { name } = account;
  const prefix = queuePrefix(name);
  const intakeQueue = queues.queue(transferQueueName(name), { prefix });
  const advanceQueue = queues.queue<AdvanceJob>(advanceQueueName(name), { prefix });
  const onAccepted = createAdvanceNotifier(advanceQueue);
  const waiters = openCompletionWaiters({
    ledger,
    maxWaiters: MAX_WAITERS,
    onCountChange: (taken) => {
      intake.concurrency = INTAKE_CONCURRENCY + taken;
    },
    onError: (error) => logger.error({ err: error, account: name }, 'cannot read the transfers of waiting jobs'),
  });
  const intake = queues.worker(
    transferQueueName(name),
    createTransferJobProcessor({
      ledger,
      account: name,
      accounts,
      rules,
      waiters,
      wake: (jobId) => wakeJob(intakeQueue, jobId),
      onAccepted,
      logger,
    }),
    {
      prefix,
      concurrency: INTAKE_CONCURRENCY,
      untraced: true,
      removeOnComplete: { age: KEPT_S, count: options.keptJobs ?? KEPT_JOBS },
      removeOnFail: { age: KEPT_S, count: options.keptJobs ?? KEPT_JOBS },
      ...STALLS,
    },
  );
  liveness.expect(`the intake of account ${name}`, () => intake.isRunning());

  const onMoved = async (transfer: TransferRow) => {
    metrics.moved(transfer);
    if (waiters.complete(transfer)) return;
    if (transfer.finished_at && transfer.job_id !== null) await wakeJob(intakeQueue, transfer.job_id);
  };

  // Connected from the start, so that sending does not depend on a connection that is made later.
  let advance: Processor<AdvanceJob, void> | undefined;
  const advancing = queues.worker<AdvanceJob, void>(advanceQueueName(name), async (job, token) => advance?.(job, token), {
    prefix,
    concurrency: options.concurrency,
    autorun: false,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    ...STALLS,
  });

  const stopping = new AbortController();
  const stoppers: (() => Promise<void>)[] = [];
  return {
    countJobs: () => intakeQueue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
    advance(pin) {
      advance = createAdvanceProcessor(engineOf(options, pin), { ...options, signal: stopping.signal, onMoved });
      const onError = (what: string) => (error: unknown) => logger.error({ err: error, account: name }, what);
      advancing.run().catch(onError('transfers are not advanced'));
      liveness.expect(`the advance queue of account ${name}`, () => advancing.isRunning());
      const sweep = async () => {
        // After a restore nothing is sent, so advance jobs would be useless.
        if (epoch.refusal() === undefined) await sweepDue(ledger, name, advanceQueue);
      };
      const sweepIfOpen = async (signal: AbortSignal) => {
        if (activity() === undefined) return;
        await options.sweepInTurn(async () => {
          if (!signal.aborted) await sweep();
        });
      };
      const whenHeld = (task: (signal: AbortSignal) => Promise<void>) => async (signal: AbortSignal) => {
        if (activity() === 'held') await task(signal);
      };
      const ownRules = rules?.get(name) ?? noRules;
      const wakeRuled = async () => {
        if ((await wakeByRules(ledger, name, ownRules)) > 0) await sweep();
      };
      const wakePaid = async (signal: AbortSignal) => {
        if ((await wakePayable(ledger, account, ownRules, signal)) > 0) await sweep();
      };
      stoppers.push(
        repeat(sweepIfOpen, SWEEP_EVERY_MS, onError('the sweep failed'), liveness.heartbeat(`the sweep of account ${name}`)),
        watchHeld(ledger, account, options.observeEveryMs, sweep, whenHeld, onError('cannot wake held transfers')),
        repeat(whenHeld(wakeRuled), SWEEP_EVERY_MS, onError('cannot wake transfers that a rule holds')),
        repeat(whenHeld(wakePaid), PAYABLE_EVERY_MS, onError('cannot wake transfers that wait for payouts')),
      );
    },
    async close() {
      await Promise.all(stoppers.map((stop) => stop()));
      // Transfers that wait for budget stop; a committed send runs to its end.
      stopping.abort();
      await advancing.close();
      await waiters.close();
      await intake.close();
    },
  };
}

function engineOf(
  { ledger, epoch, account, rules, plugins = [], conflictConfirmMs, metrics, logger }: AccountServiceOptions,
  pin: Pin,
): TransferEngine {
  const ownRules = rules?.get(account.name) ?? noRules;
  return {
    ledger,
    account,
    pin,
    epoch,
    checks: checksOf(ownRules, plugins),
    limits: ownRules.spendLimits,
    clock: systemClock,
    worker: PROCESS_NAME,
    conflictConfirmMs,
    random: Math.random,
    onAnswer(answer, { id: transferId, attempts: attempt }) {
      metrics.answered(account.name, answer);
      if (answer !== 'unknown' && answer !== 'lease_expired') return;
      logger.warn(
        { account: account.name, transferId, attempt, answer },
        'the outcome of a send is unknown: it is sent again under the same id',
      );
    },
    onAlarm(transfer, alarm) {
      metrics.alarmed(account.name);
      logger.error({ account: account.name, transferId: transfer.id, state: transfer.state, alarm }, alarm);
    },
    onUnstored(answer, { id: transferId, attempts: attempt }) {
      logger.error(
        { account: account.name, transferId, attempt, answer, alarm: 'answer_unstored' },
        'the worker stops while an answer of KPay is not stored yet: if it cannot be stored in time, the send counts as unknown',
      );
    },
    onCheckFailed: (transfer, check, error) =>
      logger.error({ err: error, account: account.name, transferId: transfer.id, check }, 'a check failed'),
  };
}
