import type { Simulator } from '@kpay/simulator';
import { isFinal, legalTransitions, type TransferEventRow, type TransferRow } from '@kpay/transfers';
import type { Customers } from './customers.ts';
import type { KnownPause } from './disturbances.ts';
import { SCARCE } from './orders.ts';
import type { AttemptRow, LedgerContent } from './read-ledger.ts';

// The invariants at the end of a run. Each function returns a sentence for each violation; none means that it holds.

export type Truth = ReturnType<Simulator['control']['truth']>;

interface Evidence {
  ledger: LedgerContent;
  truth: Truth;
  customers: Pick<Customers, 'orders' | 'accepted' | 'refused' | 'cancellations'>;
  pauses: readonly KnownPause[];
}

/**
 * Until when after its start an attempt may be written: its lease minus the call's timeout. A busy machine reads it
 * later.
 */
const WRITABLE_MS = 25_000 + 3_000;
/**
 * The valid reasons for review here: KPay refused a repeated send, so that nobody knows about the one before, or
 * answered 201 without a success.
 */
const REVIEWS = new Set(['refused_after_unknown', 'conflict_unprovable', 'not_completed']);

export interface Evaluation {
  lost: string[];
  doubled: string[];
  unexplained: string[];
  other: string[];
}

export function evaluate(evidence: Evidence): Evaluation {
  const effects = Map.groupBy(evidence.truth.transfers, ({ externalId }) => externalId);
  const requests = Map.groupBy(evidence.truth.requests, ({ externalId }) => externalId);
  const rows = evidence.ledger.transfers.map((row) => ({
    row,
    effects: effects.get(row.kpay_external_id)?.length ?? 0,
    requests: requests.get(row.kpay_external_id) ?? [],
    attempts: evidence.ledger.attempts.get(row.id) ?? [],
    events: evidence.ledger.events.get(row.id) ?? [],
  }));
  return {
    lost: [...lostOrders(evidence), ...rows.flatMap(missingEffect)],
    doubled: [...doubledOrders(evidence), ...rows.flatMap(tooManyEffects), ...strangers(evidence)],
    unexplained: [...rows.flatMap(unexplainedState), ...rows.flatMap(unsettled), ...rows.flatMap(unexplainedReview)],
    other: [
      ...rows.flatMap(brokenSends),
      ...rows.flatMap((seen) => sentUnderPause(seen, evidence.pauses)),
      ...rows.flatMap(({ row }) => brokenPromise(row, evidence)),
      ...evidence.truth.money.problems,
      ...unbalanced(evidence),
      ...overdrawn(evidence),
    ],
  };
}

interface Seen {
  row: TransferRow;
  effects: number;
  requests: Truth['requests'];
  attempts: readonly AttemptRow[];
  events: readonly TransferEventRow[];
}

function lostOrders({ ledger, customers }: Evidence): string[] {
  const known = new Set(ledger.transfers.map((row) => row.external_id));
  return [...customers.orders.keys()]
    .filter((externalId) => known.has(externalId) === customers.refused.has(externalId))
    .map((externalId) => `${externalId} is ${known.has(externalId) ? 'in the ledger, though refused' : 'not in the ledger'}`);
}

function missingEffect({ row, effects }: Seen): string[] {
  return row.state === 'succeeded' && effects === 0 ? [`${nameOf(row)} succeeded (${row.confirmed_by}) without an effect`] : [];
}

function doubledOrders({ ledger, customers }: Evidence): string[] {
  const byOrder = Map.groupBy(ledger.transfers, (row) => row.external_id);
  const twice = [...byOrder].filter(([, rows]) => rows.length > 1).map(([order]) => `${order} is in the ledger twice`);
  const told = [...customers.accepted].flatMap(([order, ids]) => {
    const id = byOrder.get(order)?.[0]?.id;
    return ids.size === 1 && id !== undefined && ids.has(id) ? [] : [`${order} was called ${[...ids].join(', ')}, it is ${id}`];
  });
  return [...twice, ...told];
}

function tooManyEffects({ row, effects }: Seen): string[] {
  if (effects > 1) return [`${nameOf(row)} had ${effects} effects`];
  const ended = isFinal(row.state) && row.state !== 'succeeded';
  return ended && effects > 0 ? [`${nameOf(row)} is ${row.state} (${row.reason_code}), but money moved`] : [];
}

function strangers({ ledger, truth }: Evidence): string[] {
  const ids = new Set<string | null>(ledger.transfers.map((row) => row.kpay_external_id));
  return truth.transfers
    .filter(({ externalId }) => !ids.has(externalId))
    .map(({ id }) => `KPay made ${id}, which nobody ordered`);
}

function unexplainedState({ row, events, attempts }: Seen): string[] {
  let state: TransferRow['state'] | null = null;
  let version = 0;
  for (const event of events) {
    if (event.version !== version + 1) return [`${nameOf(row)} has event ${event.version} after ${version}`];
    if (event.from_state !== state) return [`${nameOf(row)} leaves ${event.from_state}, but was ${state}`];
    if (state !== null && state !== event.to_state && !legalTransitions[state].includes(event.to_state)) {
      return [`${nameOf(row)} went from ${state} to ${event.to_state}`];
    }
    ({ to_state: state, version } = event);
  }
  const open = attempts.filter((attempt) => attempt.ended_at === null || attempt.outcome === null).length;
  return [
    ...(state === row.state && version === row.version
      ? []
      : [`${nameOf(row)} is ${row.state} v${row.version}; its events say ${state} v${version}`]),
    ...(row.attempts === attempts.length ? [] : [`${nameOf(row)} counts ${row.attempts} attempts and has ${attempts.length}`]),
    ...(open === 0 ? [] : [`${nameOf(row)} has ${open} attempts that never ended`]),
    ...(row.state === 'succeeded' || row.reason !== null ? [] : [`${nameOf(row)} is ${row.state} without a reason`]),
  ];
}

function unsettled({ row }: Seen): string[] {
  if (!isFinal(row.state) && row.state !== 'review') return [`${nameOf(row)} is still ${row.state}: ${row.reason}`];
  return row.lease_until !== null || row.due_at !== null ? [`${nameOf(row)} is ${row.state} and still due`] : [];
}

function unexplainedReview({ row, attempts }: Seen): string[] {
  if (row.state !== 'review') return [];
  if (!REVIEWS.has(row.reason_code ?? '')) return [`${nameOf(row)} is in review: ${row.reason_code}`];
  const refused = attempts.some(({ outcome }) => ['refused', 'insufficient_funds', 'not_completed'].includes(outcome ?? ''));
  return refused ? [] : [`${nameOf(row)} is in review (${row.reason_code}), but KPay never refused it`];
}

/** One id has one body. Each attempt has one request, within its lease, and there is none after the end. */
function brokenSends({ row, attempts, requests }: Seen): string[] {
  const bodies = new Set([...attempts.map((attempt) => attempt.body_hash), ...requests.map((request) => request.bodyHash)]);
  const broken = bodies.size > 1 ? [`${nameOf(row)} was sent with ${bodies.size} bodies`] : [];
  const used = new Set<number>();
  for (const { receivedAt } of requests) {
    const at = Date.parse(receivedAt);
    const attempt = attempts.findLast((each) => each.started_at.getTime() <= at);
    if (!attempt || at > attempt.started_at.getTime() + WRITABLE_MS) broken.push(`${nameOf(row)} was sent outside its lease`);
    else if (used.has(attempt.number)) broken.push(`${nameOf(row)}: attempt ${attempt.number} was sent twice`);
    else used.add(attempt.number);
    if (row.finished_at && at > row.finished_at.getTime()) broken.push(`${nameOf(row)} was sent after it was ${row.state}`);
  }
  for (const [index, { number, started_at: startedAt, ...attempt }] of attempts.entries()) {
    const next = attempts[index + 1];
    if (number !== index + 1) broken.push(`${nameOf(row)} has no attempt ${index + 1}`);
    if (attempt.detail === 'lease_expired' && attempt.ended_at && attempt.ended_at < attempt.lease_until) {
      broken.push(`${nameOf(row)}: attempt ${number} was given up before its lease ended`);
    }
    const over = Math.min(attempt.ended_at?.getTime() ?? Number.POSITIVE_INFINITY, attempt.lease_until.getTime());
    if (next && next.started_at.getTime() < over) broken.push(`${nameOf(row)}: attempt ${next.number} began during ${number}`);
    if (startedAt < row.created_at) broken.push(`${nameOf(row)}: attempt ${number} is older than the transfer`);
  }
  return broken;
}

function sentUnderPause({ row, attempts }: Seen, pauses: readonly KnownPause[]): string[] {
  const corridor = `${row.source_country}-${row.destination_country}`;
  const own = pauses.filter((pause) => pause.corridor === undefined || pause.corridor === corridor);
  return attempts
    .filter(({ committed_at: at }) => own.some(({ from, until }) => at > from && at < until))
    .map(({ number, committed_at: at }) => `${nameOf(row)}: attempt ${number} was begun under a pause, at ${at.toISOString()}`);
}

/** A customer who was told "cancelled" must find the transfer cancelled; one who was told "too late" must not. */
function brokenPromise(row: TransferRow, { customers }: Evidence): string[] {
  const told = customers.cancellations.get(row.id);
  if (told === undefined || (told === 'cancelled') === (row.state === 'cancelled')) return [];
  return [`${nameOf(row)} is ${row.state}, but its customer was told "${told}"`];
}

/**
 * The money that left each wallet at KPay is what the ledger says, except for transfers in review, of which it does not
 * know.
 */
function unbalanced({ ledger, truth }: Evidence): string[] {
  const unknown = new Set<string | null>(
    ledger.transfers.filter(({ state }) => state === 'review').map((row) => row.kpay_external_id),
  );
  const [ours, theirs] = [new Map<string, number>(), new Map<string, number>()];
  const add = (sums: Map<string, number>, key: string, amount: number) => sums.set(key, (sums.get(key) ?? 0) + amount);
  for (const row of ledger.transfers.filter(({ state }) => state === 'succeeded')) {
    add(ours, `${row.source_country} ${row.currency}`, Number(row.amount_minor));
  }
  for (const effect of truth.transfers.filter(({ externalId }) => !unknown.has(externalId))) {
    const minor = Math.round(Number(effect.amount) * (effect.sourceCurrency === SCARCE.currency ? 100 : 1));
    add(theirs, `${effect.sourceCountry} ${effect.sourceCurrency}`, minor);
  }
  const wallets = new Set([...ours.keys(), ...theirs.keys()]);
  return [...wallets]
    .filter((wallet) => ours.get(wallet) !== theirs.get(wallet))
    .map((wallet) => `${wallet}: the ledger sent ${ours.get(wallet) ?? 0} minor, KPay took ${theirs.get(wallet) ?? 0}`);
}

/**
 * With our own transfers reserved, nothing is sent that the scarce wallet cannot cover: only an injected 422 may come.
 * (Its currency has one wallet. With several, KPay's 422 decides.)
 */
function overdrawn({ truth, ledger }: Evidence): string[] {
  const scarce = new Set<string | null>(
    ledger.transfers.filter((row) => row.source_country === SCARCE.country).map((row) => row.kpay_external_id),
  );
  const refused = truth.requests.filter(
    ({ status, fault, externalId }) => status === 422 && fault === null && scarce.has(externalId),
  );
  return refused.length === 0 ? [] : [`KPay refused ${refused.length} sends for want of ${SCARCE.currency}`];
}

function nameOf(row: TransferRow): string {
  return `${row.external_id}`;
}
