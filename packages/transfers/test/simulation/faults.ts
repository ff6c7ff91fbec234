import type { FaultRule } from '@kpay/simulator';
import type { TransferRow } from '../../src/index.ts';
import type { Rng } from './rng.ts';

export const RETRY_AFTER_SECONDS = 10;
/** The longest time that a call goes on: less than KPAY_CONFLICT_CONFIRM_SECONDS, which is 60. */
const LONGEST_CALL_MS = 56_000;

type Fault = FaultRule['fault'];

/** The probability of each fault, from 0 to 1. */
export interface FaultOdds {
  /** A send that KPay delays. */
  late: number;
  /** Among delayed sends, the weight of those that hold their id while they run. The others weigh 5 together. */
  running: number;
  /** Among delayed sends: it moves nothing in the end. */
  fails: number;
  /** Among delayed sends: its caller gets a 504 long before it ends. */
  gatewayTimeout: number;
  /** The shortest time that delayed sends run. */
  leastMs: number;
  /** Among the other sends: the answer is lost. */
  lost: number;
  lostAfterRefusal: number;
  /** Among the other sends: KPay refuses it. */
  refused: number;
  refusedAfterUnknown: number;
  /** Decided before these: the answer looks like one thing and means another. */
  deceptive: number;
  /** Decided first of all: 429. */
  rateLimited: number;
  /** A read. */
  read: number;
}

export const usualOdds: FaultOdds = {
  late: 0.2,
  running: 5,
  fails: 0.6,
  gatewayTimeout: 0.5,
  leastMs: 1_000,
  lost: 0.3,
  // A lost answer after a refusal is rare, and the only case in which a later 409 is misleading.
  lostAfterRefusal: 0.7,
  refused: 0.22,
  // A refusal shows most when something may have moved before.
  refusedAfterUnknown: 0.4,
  deceptive: 0.15,
  rateLimited: 0.03,
  read: 0.05,
};

/** Text that no store accepts as it is, or that is longer than any message. */
const ODD_TEXT = `no\u0000thing \ud800 ${'much '.repeat(20_000)}`;
const receipt = { id: 'kpay-of-somebody-else', exchangeRate: 1, createdAt: '2026-01-01T00:00:00.000Z' };

/** Answers that look like one thing and mean another, by the name under which they are counted. */
const deceptive = {
  'answers about another request': [
    { kind: 'answer', status: 201, body: JSON.stringify({ ...receipt, externalId: 'order-of-somebody-else' }), when: 'before' },
    { kind: 'answer', status: 201, body: JSON.stringify({ ...receipt, externalId: 'order-of-somebody-else' }), when: 'after' },
  ],
  '201 that says it is no success': [
    { kind: 'answer', status: 201, body: JSON.stringify({ ...receipt, status: 'FAILED' }), when: 'before' },
    { kind: 'answer', status: 201, body: JSON.stringify({ ...receipt, status: 'PENDING' }), when: 'after' },
  ],
  '201 that says it is no success, without an id': [
    { kind: 'answer', status: 201, body: '{"status":"FAILED"}', when: 'before' },
    { kind: 'answer', status: 201, body: '{"status":"PENDING"}', when: 'after' },
  ],
  "refusals that are not KPay's": [
    { kind: 'html', status: 404, when: 'after' },
    { kind: 'html', status: 403, when: 'after' },
    { kind: 'answer', status: 400, body: '<?xml version="1.0"?><Error/>', contentType: 'application/xml', when: 'after' },
    { kind: 'answer', status: 422, body: '{"error":"blocked"}', when: 'before' },
    { kind: 'answer', status: 403, body: '{"statusCode":200,"message":"OK"}', when: 'after' },
  ],
  '201 in a text that cannot be stored': [{ kind: 'answer', status: 201, body: ODD_TEXT, when: 'after' }],
  'refusals in a text that cannot be stored': [{ kind: 'burn_id', message: ODD_TEXT }],
} as const satisfies Record<string, readonly Fault[]>;

/** The faults of this kind that a simulation must have met. */
export const deceptions: readonly string[] = Object.keys(deceptive);
const deceptiveAnswers: readonly Fault[] = Object.values(deceptive).flat();

/** The name under which a fault is counted, if it is of this kind. */
export function deceptionOf(fault: Fault): string | undefined {
  return Object.entries<readonly Fault[]>(deceptive).find(([, faults]) => faults.includes(fault))?.[0];
}

const rateLimit: Fault = { kind: 'rate_limit', retryAfterSeconds: RETRY_AFTER_SECONDS };

/** The answer is lost at once; the transfer happened or not. */
const lostAnswers: readonly Fault[] = [
  { kind: 'drop', when: 'before' },
  { kind: 'drop', when: 'after' },
  { kind: 'drop', when: 'after', reset: true },
  { kind: 'truncate' },
  { kind: 'status', status: 500, when: 'before' },
  { kind: 'status', status: 503, when: 'after' },
  { kind: 'html', status: 201, when: 'after' },
];
const refusals: readonly Fault[] = [
  { kind: 'status', status: 400 },
  { kind: 'status', status: 403 },
  { kind: 'unauthorized' },
  { kind: 'unauthorized' },
  { kind: 'burn_id' },
  { kind: 'burn_id' },
];
const readFaults: readonly Fault[] = [
  { kind: 'status', status: 503 },
  { kind: 'unauthorized' },
  { kind: 'drop' },
  { kind: 'truncate' },
  rateLimit,
  // Longer than a call may take. So its time-out ends it, or the process dies in the middle.
  { kind: 'delay', delayMs: 30_000, when: 'after' },
  { kind: 'delay', delayMs: 30_000, when: 'before' },
];

/** Answers to reads that look like one thing and mean another, by the name under which they are counted. */
const deceptiveReads = {
  'rates of another pair': [
    { kind: 'answer', status: 200, body: '{"from":"XOF","to":"XAF","rate":1.5}' },
    { kind: 'answer', status: 200, body: '{"from":"EUR","to":"XOF","rate":655.957}' },
  ],
  'balances with rows that cannot be read': [
    {
      kind: 'answer',
      status: 200,
      body: '[{"currency":"XAF","balance":"NaN","reservedBalance":0,"availableBalance":1e300},null]',
    },
    { kind: 'answer', status: 200, body: '{"currency":"KES"}' },
  ],
  "pages that are not KPay's for reads": [
    { kind: 'html', status: 200 },
    { kind: 'answer', status: 403, body: '{"message":"blocked"}' },
    { kind: 'answer', status: 200, body: ODD_TEXT },
  ],
} as const satisfies Record<string, readonly Fault[]>;

/** What runs with this fault must have met. */
export const readDeceptions: readonly string[] = Object.keys(deceptiveReads);

/** A misleading answer to a read of this kind, and the name under which it is counted. Rates are seldom read. */
export function deceptiveRead(rng: Rng, before: string): { as: string; fault: Fault } | undefined {
  if (!rng.chance(before === 'rate' ? 0.5 : 0.05)) return undefined;
  const [rates, balances, pages] = readDeceptions;
  const as = before === 'rate' ? rates : before === 'balance' && rng.chance(0.5) ? balances : pages;
  const fault = as === undefined ? undefined : rng.pick<Fault>(deceptiveReads[as as keyof typeof deceptiveReads]);
  return as === undefined || !fault ? undefined : { as, fault };
}

/** The fault of the next read of KPay, if any. */
export function faultOfRead(rng: Rng, odds: FaultOdds): Fault | undefined {
  return rng.chance(odds.read) ? rng.pick(readFaults) : undefined;
}

/** The fault of the next send of a transfer, if any. `outage`: KPay answers everything with 503. */
export function faultOfSend(rng: Rng, odds: FaultOdds, row: TransferRow | undefined, outage: boolean): Fault | undefined {
  if (outage) return { kind: 'status', status: 503, when: 'before' };
  if (rng.chance(odds.rateLimited)) return rateLimit;
  if (rng.chance(odds.late)) return lateAnswer(rng, odds);
  if (rng.chance(odds.deceptive)) return rng.pick(deceptiveAnswers);
  if (rng.chance(row?.refused_before ? odds.lostAfterRefusal : odds.lost)) return rng.pick(lostAnswers);
  return rng.chance(row?.possibly_sent ? odds.refusedAfterUnknown : odds.refused) ? rng.pick(refusals) : undefined;
}

/**
 * KPay delays a call: the answer comes late, or after the time-out, or the call reaches KPay only then. While it runs
 * it can hold the id, so that another call is answered 409, although the first may move nothing in the end. No call
 * goes on for as long as two conflicts must be apart, because law 5 assumes that.
 */
function lateAnswer(rng: Rng, { running, fails, gatewayTimeout, leastMs }: FaultOdds): Fault {
  switch (rng.weighted({ after: 2, before: 3, running })) {
    case 'after':
      return { kind: 'delay', when: 'after', delayMs: 1_000 + rng.below(40_000) };
    case 'before':
      return { kind: 'delay', when: 'before', delayMs: 1_000 + rng.below(120_000) };
    case 'running': {
      const outcome = rng.chance(fails) ? 'fail' : 'succeed';
      const delayMs = leastMs + rng.below(LONGEST_CALL_MS - leastMs);
      return {
        kind: 'conflict_while_running',
        outcome,
        delayMs,
        ...(rng.chance(gatewayTimeout) && { gatewayTimeoutMs: 1_000 + rng.below(Math.min(15_000, delayMs)) }),
      };
    }
  }
}
