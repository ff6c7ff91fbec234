import { countries, currenciesOf } from '@kpay/core';
import { type Logger, repeat } from '@kpay/runtime';
import { isFinal, type Ledger, type TransferState, transferStates } from '@kpay/transfers';
import { countFinished, type LedgerStats, readEventHorizon, readLedgerStats } from '@kpay/transfers/worker';
import { Counter, Gauge, type Registry } from 'prom-client';

// A scrape shows the values that were read last, so many scrapers cost the ledger as much as one.
const EVERY_MS = 2_000;
/**
 * Counting ended transfers reads an index over all of them. When that is slow, it may use at most one part in this many
 * of the time.
 */
const FINISHED_SHARE = 20;
const FINISHED_QUICK_MS = 200;
/** A value that could not be read for this many rounds is not shown any more. */
const OUTLIVES = 10;

const UNFINISHED = transferStates.filter((state) => !isFinal(state));
const FINAL = transferStates.filter(isFinal);
const QUEUE_STATES = ['waiting', 'active', 'delayed', 'failed'] as const;
/**
 * The built-in hold reasons. Plugins share one label value, and so do new codes, so that their text never becomes a
 * label.
 */
const HOLD_REASONS = [
  'not_before',
  'outside_send_window',
  'spend_limit',
  'destination_payouts_unavailable',
  'rate_below_minimum',
  'corridor_refused',
  'insufficient_funds',
  'paused',
  'breaker',
  'unauthorized',
  'kpay_unavailable',
  'check_failed',
  'plugin',
  'other',
] as const;
const REVIEW_REASONS = [
  'collision',
  'refused_after_unknown',
  'conflict_unprovable',
  'unconfirmed_too_long',
  'not_completed',
  'answer_lost',
  'restored',
  'other',
] as const;
/** All possible wallets. A wallet that stops waiting goes back to 0 instead of vanishing. */
const WALLETS = countries.flatMap((country) => currenciesOf(country).map((currency) => ({ country, currency })));
const PAUSE_SCOPES = ['all', 'account', 'corridor'] as const;

export interface StatsOptions {
  ledger: Ledger;
  accounts: readonly string[];
  /** The jobs of an account's transfer queue, by state. */
  countJobs(account: string): Promise<Readonly<Record<string, number>>>;
  /** The accounts for which nothing is sent yet. */
  waiting(): ReadonlyMap<string, string>;
  registry: Registry;
  logger: Logger;
}

interface Seen {
  stats: LedgerStats;
  jobs: Readonly<Record<string, number>>;
  atMs: number;
}

/**
 * Reads the statistics of the ledger and the queues in the background. A value that cannot be read vanishes.
 *
 * @returns a function that stops it.
 */
export function watchStats(options: StatsOptions): () => Promise<void> {
  const { ledger, accounts, countJobs, logger } = options;
  const seen = new Map<string, Seen>();
  let finished: ReadonlyMap<string, ReadonlyMap<TransferState, number>> = new Map();
  addGauges(
    options,
    (account) => {
      const latest = seen.get(account);
      return latest && performance.now() - latest.atMs <= EVERY_MS * OUTLIVES ? latest : undefined;
    },
    (account) => finished.get(account),
  );

  let countAtMs = 0;
  const countEnds = async () => {
    const startedMs = performance.now();
    finished = await countFinished(ledger, accounts);
    const tookMs = performance.now() - startedMs;
    countAtMs = tookMs < FINISHED_QUICK_MS ? 0 : performance.now() + tookMs * FINISHED_SHARE;
  };
  const failed = (error: unknown) => logger.error({ err: error }, 'cannot read the statistics of the ledger and the queues');
  const horizonAge = watchHorizon(options);
  const poll = async () => {
    await horizonAge().catch(failed);
    if (performance.now() >= countAtMs) await countEnds();
    const read = await readLedgerStats(ledger, accounts);
    const atMs = performance.now();
    await Promise.all(
      [...read].map(async ([account, stats]) => seen.set(account, { stats, jobs: await countJobs(account), atMs })),
    );
  };
  return repeat(poll, EVERY_MS, failed);
}

/**
 * Measures how long the horizon has stood still behind which streams and sinks are kept. Transactions of other roles
 * hide when they began, so the time is also measured here.
 *
 * @returns a function that measures again.
 */
function watchHorizon({ ledger, registry }: StatsOptions): () => Promise<void> {
  let seen: { xid: string; sinceMs: number; ageMs: number; atMs: number } | undefined;
  new Gauge({
    name: 'kpay_event_horizon_age_seconds',
    help: 'How long the oldest transaction of the server that may still write is open, prepared ones and other databases included; no event after its begin is streamed or told to sinks.',
    registers: [registry],
    collect() {
      this.reset();
      if (seen && performance.now() - seen.atMs <= EVERY_MS * OUTLIVES) this.set(seen.ageMs / 1_000);
      else this.remove();
    },
  });
  return async () => {
    const { xid, held, openMs } = await readEventHorizon(ledger);
    const atMs = performance.now();
    const sinceMs = held && seen?.xid === xid ? seen.sinceMs : atMs;
    seen = { xid, sinceMs, atMs, ageMs: Math.max(openMs, atMs - sinceMs) };
  };
}

function addGauges(
  { accounts, waiting, registry }: StatsOptions,
  seenOf: (account: string) => Seen | undefined,
  finishedOf: (account: string) => ReadonlyMap<TransferState, number> | undefined,
): void {
  /** Adds a gauge whose series are exactly those known at a scrape. */
  const add = <Label extends string>(
    name: string,
    help: string,
    label: Label | null,
    read: (account: string) => Readonly<Record<string, number>> | undefined,
  ) => {
    new Gauge<string>({
      name,
      help,
      labelNames: label === null ? ['account'] : ['account', label],
      registers: [registry],
      collect() {
        this.reset();
        for (const account of accounts) {
          for (const [value, stat] of Object.entries(read(account) ?? {})) {
            this.set(label === null ? { account } : { account, [label]: value }, stat);
          }
        }
      },
    });
  };
  new Gauge({
    name: 'kpay_transfers_without_funds',
    help: 'Transfers in holding that wait for money, by the wallet that lacks it.',
    labelNames: ['account', 'country', 'currency'],
    registers: [registry],
    collect() {
      this.reset();
      for (const account of accounts) {
        const unfinished = unfinishedOf(account);
        if (unfinished === undefined) continue;
        for (const wallet of WALLETS) this.set({ account, ...wallet }, 0);
        for (const { wallet, count } of unfinished) if (wallet) this.inc({ account, ...wallet }, count);
      }
    },
  });
  const unfinishedOf = (account: string) => seenOf(account)?.stats.unfinished;

  add(
    'kpay_transfers',
    'Transfers in the ledger, by state; those at their end are counted less often when there are many.',
    'state',
    (account) => {
      const unfinished = unfinishedOf(account);
      const ended = finishedOf(account);
      return (
        unfinished &&
        ended && {
          ...tally(UNFINISHED, unfinished, ({ state }) => state),
          ...Object.fromEntries(FINAL.map((state) => [state, ended.get(state) ?? 0])),
        }
      );
    },
  );
  // Read from the ledger, not counted in this process: people end transfers through the API and by commands, whose
  // processes nobody scrapes. The counts only grow, across restarts too, unless the ledger is restored.
  new Counter({
    name: 'kpay_transfers_finished_total',
    help: 'Transfers in the ledger that came to their end, in whichever process, by final state.',
    labelNames: ['account', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const account of accounts) {
        const ended = seenOf(account) && finishedOf(account);
        if (ended) for (const state of FINAL) this.inc({ account, state }, ended.get(state) ?? 0);
      }
    },
  });
  add(
    'kpay_transfers_oldest_age_seconds',
    'How long the oldest transfer is in a state: held ones since they were accepted, unconfirmed ones since the send without an answer. 0: there is none.',
    'state',
    (account) => {
      const unfinished = unfinishedOf(account);
      const oldestS = (state: TransferState) =>
        Math.max(0, ...(unfinished ?? []).filter((each) => each.state === state).map(({ oldestMs }) => oldestMs / 1_000));
      return unfinished && Object.fromEntries(UNFINISHED.map((state) => [state, oldestS(state)]));
    },
  );
  add('kpay_transfers_held', 'Transfers in holding, by what they wait for.', 'reason', (account) => {
    const held = unfinishedOf(account)?.filter(({ state }) => state === 'holding');
    return held && tally(HOLD_REASONS, held, ({ reasonCode }) => holdReason(reasonCode ?? ''));
  });
  add('kpay_reviews_open', 'Transfers that a person must settle, by why.', 'reason', (account) => {
    const open = unfinishedOf(account)?.filter(({ state }) => state === 'review');
    return open && tally(REVIEW_REASONS, open, ({ reasonCode }) => REVIEW_REASONS.find((each) => each === reasonCode) ?? 'other');
  });
  add(
    'kpay_breaker_open',
    '1 while nothing new is sent because KPay gave no definite answer several times in a row.',
    null,
    (account) => {
      const seen = seenOf(account);
      return seen && { '': seen.stats.breakerOpen ? 1 : 0 };
    },
  );
  add('kpay_pauses', 'Pauses in force that stop something of an account, by their scope.', 'scope', (account) => {
    const pauses = seenOf(account)?.stats.pauses;
    return pauses && Object.fromEntries(PAUSE_SCOPES.map((scope) => [scope, pauses[scope]]));
  });
  add(
    'kpay_account_ready',
    '1 when this worker sends for an account: KPay has said who we are, and the ledger is not a restored one.',
    null,
    (account) => ({ '': waiting().has(account) ? 0 : 1 }),
  );
  add(
    'kpay_queue_jobs',
    'Jobs in the transfer queue, by state; active and delayed ones follow a transfer that is not final yet.',
    'state',
    (account) => {
      const jobs = seenOf(account)?.jobs;
      return jobs && Object.fromEntries(QUEUE_STATES.map((state) => [state, jobs[state] ?? 0]));
    },
  );
}

function tally<Row extends { count: number }>(
  keys: readonly string[],
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Record<string, number> {
  const sums: Record<string, number> = Object.fromEntries(keys.map((key) => [key, 0]));
  for (const row of rows) sums[keyOf(row)] = (sums[keyOf(row)] ?? 0) + row.count;
  return sums;
}

function holdReason(code: string): string {
  if (code.includes('/')) return 'plugin';
  return HOLD_REASONS.find((each) => each === code) ?? 'other';
}
