import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type KpayAccount, systemClock } from '@kpay/core';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { type Logger, type Queues, repeat } from '@kpay/runtime';
import {
  type AccountRules,
  type Advancer,
  advanceQueueName,
  type Business,
  checksOf,
  createHint,
  type Hint,
  type Ledger,
  type LedgerEpoch,
  noRules,
  type Pin,
  type PinMismatch,
  type Plugin,
  sweepDue,
  type TransferRow,
  wakeByRules,
  wakePayable,
} from '@kpay/transfers';
import type { Processor } from 'bullmq';
import { createAdvanceProcessor } from './advance-processor.ts';
import type { atMost } from './at-most.ts';
import { createDoor } from './door.ts';
import type { Pulse } from './pulse.ts';
import type { TransferMetrics } from './transfer-metrics.ts';
import { COME_IN_AT_ONCE, openWaitingRoom } from './waiting-room.ts';
import { type ObservationPace, wakeHeld } from './wake-held.ts';
import { wakeJob } from './wake-job.ts';

const SWEEP_EVERY_MS = 1_000;
/** KPay is read once a minute for it; this is how soon what another process read is noticed. */
const PAYABLE_EVERY_MS = 5_000;
/** Callers' jobs that wait in this process for the end of their transfers, at most. */
const MOST_ROOM_PLACES = 1_000;
/**
 * Jobs at the door besides those that wait in the room. BullMQ fetches, one by one, all that it may have at once before it hands
 * on the first, and renews no lock of theirs meanwhile: were it so many as there are places, a machine that is slow for a moment
 * would lose all of them to others, again and again (decision 0034). And it fetches others only when it is done with one: not all of
 * these may go into the room.
 */
const AT_THE_DOOR = COME_IN_AT_ONCE + 10;
/**
 * A killed process leaves its jobs locked, and a locked hint keeps the sweep from making another for the same row: at
 * BullMQ's 30 s a restart would stand still for up to a minute. A job that only seems dead is run twice at worst, which
 * finds the same transfer; so it may stall however often.
 */
const STALLS = { lockDuration: 5_000, stalledInterval: 2_500, maxStalledCount: 2 ** 31 - 1 };
/**
 * How many ended jobs a queue keeps, each of completed and failed ones, and for how long, where whoever added them said nothing. A
 * plain BullMQ client says nothing, and its jobs would stay for ever: 2.6 kB each, 0.4 GB a day at full pace, in a Redis that must
 * not evict. The ledger knows a transfer by its externalId for good, so nothing depends on a job that is gone.
 */
const KEPT_JOBS = 20_000;
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
  /** Told what of this service must go on. */
  pulse: Pulse;
  logger: Logger;
  /** How many transfers are under way at once. */
  concurrency: number;
  conflictConfirmMs: number;
  /** How many ended jobs are kept whose client did not say; 20,000 unless given. */
  keptJobs?: number | undefined;
  /** The rules of those accounts that have any. */
  rules?: ReadonlyMap<string, AccountRules> | undefined;
  /** Their checks are asked before each first send, after the built-in ones. */
  plugins?: readonly Plugin[] | undefined;
  observeEveryMs: ObservationPace;
  /** What the account has to do: what it has not, nobody looks for. */
  business: () => Business | undefined;
  /** Waits until few enough of all accounts are swept. */
  sweepInTurn: ReturnType<typeof atMost>;
  /** Told once when the account turns out to be another KPay than the ledger's. */
  onMismatch: (mismatch: PinMismatch) => Promise<void>;
}

/** One account's two queues in this process. */
export interface AccountService {
  /** The jobs at the door, by state. */
  countJobs(): Promise<Readonly<Record<string, number>>>;
  /** Begins to send: KPay has said who we are, and the ledger agrees. Call it once. */
  advance(pin: Pin): void;
  /** Takes nothing new, lets sends under way end, then closes. */
  close(): Promise<void>;
}

/** Opens an account's door at once; the sending side waits for `advance`. */
export function openAccountService(options: AccountServiceOptions): AccountService {
  const { ledger, epoch, account, accounts, rules, queues, metrics, pulse, logger, business } = options;
  const { name } = account;
  const prefix = queuePrefix(name);
  const doorQueue = queues.queue(transferQueueName(name), { prefix });
  const hints = queues.queue<Hint>(advanceQueueName(name), { prefix });
  const onAccepted = createHint(hints);
  const room = openWaitingRoom({
    ledger,
    mostPlaces: MOST_ROOM_PLACES,
    onTaken: (taken) => {
      door.concurrency = AT_THE_DOOR + taken;
    },
    onError: (error) => logger.error({ err: error, account: name }, 'the transfers of waiting jobs could not be looked at'),
  });
  const door = queues.worker(
    transferQueueName(name),
    createDoor({ ledger, account: name, accounts, rules, room, wake: (jobId) => wakeJob(doorQueue, jobId), onAccepted, logger }),
    {
      prefix,
      concurrency: AT_THE_DOOR,
      untraced: true,
      removeOnComplete: { age: KEPT_S, count: options.keptJobs ?? KEPT_JOBS },
      removeOnFail: { age: KEPT_S, count: options.keptJobs ?? KEPT_JOBS },
      ...STALLS,
    },
  );
  pulse.expect(`the door of account ${name}`, () => door.isRunning());

  const onMoved = async (transfer: TransferRow) => {
    metrics.moved(transfer);
    if (room.tell(transfer)) return;
    if (transfer.finished_at && transfer.job_id !== null) await wakeJob(doorQueue, transfer.job_id);
  };

  // Connected from the start, so that it does not have to find its queue in a bad moment later.
  let processHint: Processor<Hint, void> | undefined;
  const advancing = queues.worker<Hint, void>(advanceQueueName(name), async (job, token) => processHint?.(job, token), {
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
    countJobs: () => doorQueue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
    advance(pin) {
      processHint = createAdvanceProcessor(advancerOf(options, pin), { ...options, signal: stopping.signal, onMoved });
      const onError = (what: string) => (error: unknown) => logger.error({ err: error, account: name }, what);
      advancing.run().catch(onError('transfers are not advanced'));
      pulse.expect(`the queue of hints of account ${name}`, () => advancing.isRunning());
      const sweep = async () => {
        // After a restore nothing would come of the hints.
        if (epoch.refusal() === undefined) await sweepDue(ledger, name, hints);
      };
      const sweepIfOpen = async (signal: AbortSignal) => {
        if (business() === undefined) return;
        await options.sweepInTurn(async () => {
          if (!signal.aborted) await sweep();
        });
      };
      const whenHeld = (task: (signal: AbortSignal) => Promise<void>) => async (signal: AbortSignal) => {
        if (business() === 'held') await task(signal);
      };
      const ownRules = rules?.get(name) ?? noRules;
      const wakeRuled = async () => {
        if ((await wakeByRules(ledger, name, ownRules)) > 0) await sweep();
      };
      const wakePaid = async (signal: AbortSignal) => {
        if ((await wakePayable(ledger, account, ownRules, signal)) > 0) await sweep();
      };
      stoppers.push(
        repeat(sweepIfOpen, SWEEP_EVERY_MS, onError('the sweep failed'), pulse.expectBeats(`the sweep of account ${name}`)),
        wakeHeld(ledger, account, options.observeEveryMs, sweep, whenHeld, onError('held transfers sleep on')),
        repeat(whenHeld(wakeRuled), SWEEP_EVERY_MS, onError('transfers held by rules sleep on')),
        repeat(whenHeld(wakePaid), PAYABLE_EVERY_MS, onError('transfers held for payouts sleep on')),
      );
    },
    async close() {
      await Promise.all(stoppers.map((stop) => stop()));
      // What waits for budget gives up; a send that is committed runs to its end.
      stopping.abort();
      await advancing.close();
      await room.close();
      await door.close();
    },
  };
}

function advancerOf(
  { ledger, epoch, account, rules, plugins = [], conflictConfirmMs, metrics, logger }: AccountServiceOptions,
  pin: Pin,
): Advancer {
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
        'nobody knows whether KPay carried a send out: its id is sent again',
      );
    },
    onAlarm(transfer, alarm) {
      metrics.alarmed(account.name);
      logger.error({ account: account.name, transferId: transfer.id, state: transfer.state, alarm }, alarm);
    },
    onCheckFailed: (transfer, check, error) =>
      logger.error({ err: error, account: account.name, transferId: transfer.id, check }, 'a check failed'),
  };
}
