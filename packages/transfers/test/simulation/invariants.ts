import type { Truth } from '@kpay/simulator';
import { evaluateFunds } from '../../src/checks/funds.ts';
import type { SpendLimit } from '../../src/checks/spend-limit.ts';
import { isFinal, type TransferState } from '../../src/index.ts';
import { BREAKER_AFTER } from '../../src/send/breaker.ts';
import { statesWithoutEffect } from '../../src/states/states.ts';
import { transferRow } from '../transfer-row.ts';
import { RETRY_AFTER_SECONDS } from './faults.ts';
import { type AttemptView, type EventView, type LedgerView, type PauseView, type RowView, viewLedger } from './ledger-view.ts';
import { ours, type Universe, WINDOW_MS } from './world.ts';

/** How long after its start an attempt may be written: its lease minus the call's timeout. */
const WRITABLE_MS = 25_000;
/** How long after it was prepared a send may be written: the slot's lease minus the call's timeout. */
const SLOT_USABLE_MS = 40_000;
/** The Retry-After of an injected 429. */
const RETRY_AFTER_MS = RETRY_AFTER_SECONDS * 1_000;
/** A transfer that succeeded this long before a balance was requested is included in it. */
const IN_BALANCE_MS = 5_000;
/** The maximum age of a balance that decides about money. */
const BALANCE_MS = 30_000;
/** The maximum age of a rate that decides about a transfer. */
const RATE_MS = 600_000;
const MAY_HAVE_MOVED: readonly TransferState[] = ['submitting', 'unconfirmed', 'review'];

type Request = Truth['requests'][number];

/** What the invariants must know besides the ledger and KPay. */
export interface Witness {
  /** When the stores that processes share were last wiped. */
  wipedMs(): number;
  /** Since when the processes have their keys. */
  keysSinceMs(): number;
  /** When a worker last had a slot for this transfer. */
  preparedMs(worker: string, transfer: string): number | undefined;
  /** Whether balances of another application may be read. They say nothing about money for ours. */
  isConfused(): boolean;
  /** When the owner last took money out of wallets. */
  withdrawnMs(): number;
  /** Since when the ledger is a restored one that no person has checked yet; undefined when it is not. */
  restoredMs(): number | undefined;
  spendLimits: readonly SpendLimit[];
  /** The best rate from XAF to XOF that KPay had at any time since then. */
  bestRateSince(ms: number): number;
  count: (what: string, times?: number) => void;
}

/** The state that a transfer's own events lead to. */
interface Explained {
  state: TransferState;
  version: number;
  finishedMs: number | null;
  /** A person has decided about it. */
  reviewed: boolean;
}

/** Money that left a wallet, and when it was last sent before it left. */
interface Spent {
  minor: number;
  currency: string;
  corridor: string;
  atMs: number;
}

/**
 * Follows one run and reports what is broken, a sentence each, by comparing the ledger and KPay. It remembers what it
 * has seen. So each check costs the same, and nothing can be undone unnoticed.
 */
export class Invariants {
  private readonly universe: Universe;
  private readonly witness: Witness;
  private seenEvent = 0;
  private seenMs = 0;
  private seenRequest = 0;
  private seenWrites = -1;
  private seenTransfers = 0;
  private readonly rows = new Map<string, RowView>();
  private readonly explained = new Map<string, Explained>();
  private readonly attempts = new Map<string, AttemptView>();
  private readonly bodies = new Map<string, string>();
  private readonly written = new Set<string>();
  private readonly orderedIds = new Set<string>();
  /** Evaluated with a balance that could not be right: of another application, or from before money was taken out. */
  private readonly uncovered = new Set<string>();
  private seenWithdrawnMs = Number.NEGATIVE_INFINITY;
  /** When KPay was asked for a balance, and when it answered. */
  private readonly balancesMs: number[] = [];
  /** Confirmed by conflicts although KPay had refused it: nobody could know (docs/decisions/0010). */
  private readonly unknowable = new Set<string>();
  private readonly spent = new Map<string, Spent>();
  private rewound = false;
  /** KPay's ids of all transfers before a restore. What the ledger forgot about them excuses nothing. */
  private readonly beforeRestore = new Set<string>();
  private unknownInARow = 0;
  /** KPay has answered 429. */
  private silence = { fromMs: 0, untilMs: 0 };

  constructor(universe: Universe, witness: Witness) {
    this.universe = universe;
    this.witness = witness;
  }

  /** Checked after every step. */
  async broken(): Promise<string[]> {
    const { ledger, simulator, timeline, writes } = this.universe;
    const truth = simulator.control.truth({ requestsAfter: this.seenRequest });
    const written = writes() !== this.seenWrites;
    if (!written && truth.requests.length === 0 && truth.transferCount === this.seenTransfers) return [];
    this.seenWrites = writes();
    this.seenTransfers = truth.transferCount;
    const news = written ? await viewLedger(ledger, { event: this.seenEvent, ms: this.seenMs }) : nothingNew;
    for (const row of news.rows) this.rows.set(row.id, row);
    const view = { ...news, rows: [...this.rows.values()] };
    for (const row of news.rows) this.orderedIds.add(row.kpayId);
    for (const { endpoint, status, receivedAt } of truth.requests) {
      if (endpoint === 'balance' && status === 200) this.balancesMs.push(Date.parse(receivedAt));
    }
    this.noteWithdrawal(view.rows);
    const broken = [
      ...view.events.flatMap((event) => this.explain(event)),
      ...view.rows.flatMap((row) => this.unexplained(row)),
      ...view.attempts.flatMap((attempt) => this.attempt(attempt, view)),
      ...view.rows.flatMap((row) => this.dispossessed(row)),
      ...truth.requests.flatMap((request) => this.request(request, view.rows)),
      ...this.effects(view.rows, truth),
      ...this.paidTwice(view.rows),
      ...this.overdrawn(view.rows, truth),
      ...this.overspent(view.rows, truth),
      ...truth.money.problems,
      ...(await this.misreserved(view)),
    ];
    this.seenEvent = view.events.at(-1)?.sequence ?? this.seenEvent;
    if (written) this.seenMs = timeline.nowMs();
    this.seenRequest = truth.requests.at(-1)?.sequence ?? this.seenRequest;
    return broken;
  }

  /** The ledger was restored: what it learned since the backup is forgotten here, too. What KPay has done is not. */
  async rewind(): Promise<void> {
    const view = await viewLedger(this.universe.ledger, { event: 0, ms: 0 });
    for (const { kpayId } of this.rows.values()) this.beforeRestore.add(kpayId);
    this.rows.clear();
    for (const row of view.rows) this.rows.set(row.id, row);
    this.rewound = true;
    this.seenWrites = -1;
    this.unknownInARow = view.unknownInARow;
    this.explained.clear();
    for (const event of view.events) this.remember(event);
    this.attempts.clear();
    for (const attempt of view.attempts) this.attempts.set(keyOf(attempt), attempt);
    for (const key of this.written) if (!this.attempts.has(key)) this.written.delete(key);
  }

  /**
   * After a restore is finished, nothing unfinished proceeds by itself, because it may have been sent or cancelled
   * since the backup.
   */
  async unreviewed(): Promise<string[]> {
    const { rows } = await viewLedger(this.universe.ledger, { event: this.seenEvent, ms: 0 });
    return rows
      .filter((row) => !isFinal(row.state) && row.state !== 'review')
      .map((row) => `${row.name} is ${row.state} after a restore, though nobody has looked at it`);
  }

  /** Checked at the end of a run. */
  async unfinished(): Promise<string[]> {
    const { rows } = await viewLedger(this.universe.ledger, { event: this.seenEvent, ms: 0 });
    return rows.flatMap((row) => {
      if (!isFinal(row.state)) return [`${row.name} is still ${row.state} at the end: ${row.reason}`];
      return row.leaseMs === null && row.dueMs === null ? [] : [`${row.name} is ${row.state} and still has a lease or is due`];
    });
  }

  /** Every state is the one that the events lead to, one version after the other. */
  private explain(event: EventView): string[] {
    const before = this.explained.get(event.id);
    this.remember(event);
    this.witness.count(`event ${event.type}`);
    if (event.code !== null) this.witness.count(`${event.to} ${event.code}`);
    if (event.version !== (before?.version ?? 0) + 1) return [`event ${event.version} of ${event.id} after ${before?.version}`];
    return event.from === (before?.state ?? null) ? [] : [`${event.id} leaves ${event.from}, but was ${before?.state}`];
  }

  private remember({ id, to, version, atMs }: EventView): void {
    const reviewed = to === 'review' || (this.explained.get(id)?.reviewed ?? false);
    this.explained.set(id, { state: to, version, finishedMs: isFinal(to) ? atMs : null, reviewed });
  }

  private unexplained(row: RowView): string[] {
    const explained = this.explained.get(row.id);
    return explained?.state === row.state && explained.version === row.version
      ? []
      : [`${row.name} is ${row.state} v${row.version}; its events say ${explained?.state} v${explained?.version}`];
  }

  /**
   * At most one effect, for an order that exists, of our application; exactly one when succeeded, none when it ended
   * otherwise.
   */
  private effects(rows: readonly RowView[], { transfers, burntIds }: Truth): string[] {
    const effects = new Map<string | null, Truth['transfers'][number]>();
    const broken: string[] = [];
    for (const transfer of transfers) {
      const { id, externalId, applicationId } = transfer;
      if (effects.has(externalId)) broken.push(`${externalId} had two effects`);
      effects.set(externalId, transfer);
      if (applicationId !== ours) broken.push(`${id} moved the money of another application`);
      if (externalId === null || !this.orderedIds.has(externalId)) broken.push(`KPay made ${id}, which nobody ordered`);
    }
    const burnt = new Set(burntIds.map(({ externalId }) => externalId));
    for (const row of rows) {
      const effect = effects.get(row.kpayId);
      if (row.state === 'succeeded' && !effect && !this.isUnknowable(row, burnt)) {
        broken.push(`${row.name} succeeded (${row.confirmedBy}) without an effect`);
      }
      // The order was lost by a restore and accepted again. This ledger cannot know what came of it before.
      if (isFinal(row.state) && row.state !== 'succeeded' && effect && Date.parse(effect.createdAt) > row.createdMs) {
        broken.push(`${row.name} is ${row.state}, but money moved`);
      }
    }
    return broken;
  }

  /**
   * The one case in which two conflicts are wrong and no rule can see it: KPay refused the id for ever, and the process
   * died before it recorded that answer (docs/decisions/0010). With the refusal in the ledger there is no excuse.
   */
  private isUnknowable(row: RowView, burnt: ReadonlySet<string>): boolean {
    if (this.unknowable.has(row.id)) return true;
    const refused = this.attemptsOf(row.id).some(({ outcome }) => outcome === 'refused' || outcome === 'insufficient_funds');
    if (row.confirmedBy !== 'conflict' || !burnt.has(row.kpayId) || refused || this.beforeRestore.has(row.kpayId)) return false;
    this.unknowable.add(row.id);
    this.witness.count('confirmed though refused, the answer lost with its process (decision 0010)');
    return true;
  }

  private attempt(attempt: AttemptView, view: LedgerView): string[] {
    const key = keyOf(attempt);
    const known = this.attempts.get(key);
    this.attempts.set(key, attempt);
    return [
      ...(known ? [] : this.begun(attempt, view)),
      // An answer that arrives after its attempt was given up ends the attempt a second time.
      ...(attempt.endedMs !== null && attempt.endedMs !== known?.endedMs ? this.ended(attempt) : []),
    ];
  }

  /** No attempt starts under a pause, beside another attempt of the transfer, or through an open breaker. */
  private begun(attempt: AttemptView, { rows, pauses }: LedgerView): string[] {
    const { id, number, startedMs } = attempt;
    const row = rows.find((each) => each.id === id);
    if (!row) return [`attempt ${number} is of no transfer`];
    const restoredMs = this.witness.restoredMs();
    if (this.mayBeUncovered(startedMs)) this.uncovered.add(id);
    else if (row.state === 'submitting') this.uncovered.delete(id);
    const before = this.attempts.get(`${id} ${number - 1}`);
    if (before && before.worker !== attempt.worker) this.witness.count('takeovers');
    const over = !before || (before.endedMs !== null && before.endedMs <= startedMs) || before.leaseMs <= startedMs;
    return [
      ...this.body(row.kpayId, attempt.body),
      ...(over ? [] : [`${row.name}: attempt ${number} began while ${number - 1} was under way`]),
      ...pauses
        .filter((pause) => isPaused(row, pause, startedMs))
        .map((pause) => `${row.name}: attempt ${number} was begun under a pause (${pause.scope})`),
      ...this.throughBreaker(row, attempt, rows),
      ...(row.state === 'submitting' ? [...this.decidedOnOldBalance(row, attempt), ...this.belowItsRate(row, attempt)] : []),
      ...(restoredMs !== undefined && startedMs > restoredMs
        ? [`${row.name}: attempt ${number} was begun on a restored ledger before anybody had looked it through`]
        : []),
    ];
  }

  /** KPay was asked for the balance within the half minute before a first send. */
  private decidedOnOldBalance({ name }: RowView, { number, startedMs }: AttemptView): string[] {
    const askedMs = this.balancesMs.findLast((atMs) => atMs <= startedMs) ?? 0;
    return askedMs >= startedMs - BALANCE_MS
      ? []
      : [`${name}: attempt ${number} was decided on a balance that is ${(startedMs - askedMs) / 1_000} s old`];
  }

  private belowItsRate({ name, minRate }: RowView, { number, startedMs }: AttemptView): string[] {
    const rate = this.witness.bestRateSince(startedMs - RATE_MS);
    return minRate === null || rate >= minRate
      ? []
      : [`${name}: attempt ${number} was begun at a rate of ${rate} at most, below ${minRate}`];
  }

  /** A transfer and all its replays are one payment: only one of them is under way or has moved money. */
  private paidTwice(rows: readonly RowView[]): string[] {
    if (this.rewound || !rows.some(({ replayOf }) => replayOf !== null)) return [];
    const originals = new Map(rows.map((row) => [row.id, row.replayOf]));
    const originalOf = (id: string): string => {
      const before = originals.get(id);
      return before ? originalOf(before) : id;
    };
    const live = rows.filter(({ state }) => !statesWithoutEffect.includes(state));
    return [...Map.groupBy(live, ({ id }) => originalOf(id)).values()]
      .filter((payment) => payment.length > 1)
      .map((payment) => `${payment.map(({ name, state }) => `${name} (${state})`).join(' and ')} are one payment`);
  }

  private mayBeUncovered(startedMs: number): boolean {
    return this.witness.isConfused() || startedMs <= this.witness.withdrawnMs() + BALANCE_MS;
  }

  /** Transfers that are under way when the owner takes money out were checked with the balance before. */
  private noteWithdrawal(rows: readonly RowView[]): void {
    const withdrawnMs = this.witness.withdrawnMs();
    if (withdrawnMs === this.seenWithdrawnMs) return;
    this.seenWithdrawnMs = withdrawnMs;
    for (const row of rows) if (MAY_HAVE_MOVED.includes(row.state)) this.uncovered.add(row.id);
  }

  /**
   * Until its lease ends or its answer arrives, an attempt keeps its transfer, unless a proof arrives that the money
   * moved.
   */
  private dispossessed(row: RowView): string[] {
    const attempt = this.attemptsOf(row.id).at(-1);
    if (!attempt || attempt.endedMs !== null || attempt.leaseMs <= this.universe.timeline.nowMs()) return [];
    if (row.leaseMs === attempt.leaseMs || row.state === 'succeeded' || this.rewound) return [];
    return [`${row.name} is ${row.state} while attempt ${attempt.number} is under way`];
  }

  private throughBreaker(row: RowView, { number, startedMs }: AttemptView, rows: readonly RowView[]): string[] {
    if (this.unknownInARow < BREAKER_AFTER) return [];
    const others = rows.filter((other) => other.id !== row.id);
    if (row.state === 'submitting') {
      const probing = others.some((other) => other.state === 'unconfirmed' || other.state === 'submitting');
      return probing ? [`${row.name} was sent for the first time through an open breaker`] : [];
    }
    this.witness.count('probes of an open breaker');
    const probed = others.some((other) => other.state === 'unconfirmed' && (other.leaseMs ?? 0) > startedMs);
    return probed ? [`${row.name}: attempt ${number} is a second probe at once`] : [];
  }

  private ended({ id, number, outcome, detail, endedMs, leaseMs }: AttemptView): string[] {
    this.witness.count(`answer ${outcome}${detail === 'lease_expired' ? ' (lease expired)' : ''}`);
    if (detail === 'lease_expired') {
      return (endedMs ?? 0) < leaseMs ? [`attempt ${number} of ${id} was given up before its lease ended`] : [];
    }
    if (outcome === 'not_sent') return [];
    this.unknownInARow = outcome === 'unknown' ? this.unknownInARow + 1 : 0;
    if (this.unknownInARow === BREAKER_AFTER) this.witness.count('breaker openings');
    return [];
  }

  /**
   * Each send has the same body for the same id, belongs to one attempt, lies within both leases, and never follows the
   * end. The limit holds.
   */
  private request(request: Request, rows: readonly RowView[]): string[] {
    const atMs = Date.parse(request.receivedAt);
    const broken: string[] = [];
    if (request.status === 429 && request.fault === null) {
      this.witness.count('requests beyond the limit after a wipe');
      if (atMs >= this.witness.wipedMs() + WINDOW_MS) broken.push(`a request (${request.endpoint}) was sent beyond the limit`);
    }
    broken.push(...this.brokenSilence(request, rows, atMs));
    if (request.externalId === null) return broken;
    const row = rows.find((each) => each.kpayId === request.externalId);
    if (!row) return [...broken, `a request for ${request.externalId}, which is no transfer`];
    if (request.bodyHash !== null) broken.push(...this.body(row.kpayId, request.bodyHash));
    const attempt = this.lastAttempt(row.id, atMs);
    if (!attempt) return [...broken, `${row.name} was sent without an attempt`];
    // An attempt that was committed before may be on its way when the late answer of an earlier attempt ends the
    // transfer. It has the same id and body, so KPay answers 409 (law 1).
    if (row.finishedMs !== null && attempt.startedMs > row.finishedMs) {
      broken.push(`${row.name} was sent after it was ${row.state}`);
    }
    const key = keyOf(attempt);
    if (this.written.has(key)) broken.push(`${row.name}: attempt ${attempt.number} was sent twice`);
    this.written.add(key);
    if (atMs > attempt.startedMs + WRITABLE_MS) broken.push(`${row.name} was sent outside its lease`);
    const preparedMs = this.witness.preparedMs(attempt.worker, row.id) ?? 0;
    if (atMs > preparedMs + SLOT_USABLE_MS) broken.push(`${row.name} was sent outside the lease of its slot`);
    return broken;
  }

  /** After a 429 the whole account waits: a transfer without a slot by then gets none. */
  private brokenSilence(
    { externalId, endpoint, fault, applicationId }: Request,
    rows: readonly RowView[],
    atMs: number,
  ): string[] {
    if (applicationId !== ours) return [];
    const { fromMs, untilMs } = this.silence;
    if (fault === 'rate_limit') this.silence = { fromMs: atMs, untilMs: atMs + RETRY_AFTER_MS };
    if (atMs >= untilMs || Math.max(this.witness.keysSinceMs(), this.witness.wipedMs()) >= fromMs) return [];
    const id = rows.find((row) => row.kpayId === externalId)?.id;
    const attempt = id === undefined ? undefined : this.lastAttempt(id, atMs);
    const preparedMs = attempt ? (this.witness.preparedMs(attempt.worker, attempt.id) ?? 0) : atMs;
    return preparedMs > fromMs ? [`a request (${endpoint}) was made while KPay had asked to wait`] : [];
  }

  private lastAttempt(id: string, atMs: number): AttemptView | undefined {
    return this.attemptsOf(id).findLast((attempt) => attempt.startedMs <= atMs);
  }

  private attemptsOf(id: string): AttemptView[] {
    return [...this.attempts.values()].filter((attempt) => attempt.id === id);
  }

  private body(kpayId: string, hash: string): string[] {
    const known = this.bodies.get(kpayId);
    this.bodies.set(kpayId, known ?? hash);
    return known === undefined || known === hash ? [] : [`${kpayId} has two bodies`];
  }

  /**
   * KPay must have the money for everything that may still happen. This is not checked once the ledger has forgotten
   * what it sent, because then money leaves without its knowledge.
   */
  private overdrawn(rows: readonly RowView[], truth: Truth): string[] {
    if (this.rewound) return [];
    const happened = new Set(truth.transfers.map(({ externalId }) => externalId));
    const owed = new Map<string, number>();
    for (const row of rows) {
      if (!MAY_HAVE_MOVED.includes(row.state) || happened.has(row.kpayId) || this.uncovered.has(row.id)) continue;
      owed.set(row.currency, (owed.get(row.currency) ?? 0) + row.minor);
    }
    return [...owed].flatMap(([currency, minor]) => {
      const wallets = truth.wallets.filter((wallet) => wallet.currency === currency && wallet.applicationId === ours);
      const held = wallets.reduce((sum, wallet) => sum + Number(wallet.availableBalance), 0) * 10 ** decimalsOf(currency);
      return minor > held + 0.5 ? [`${minor} minor ${currency} are being sent, ${held} are there`] : [];
    });
  }

  /**
   * The money that left the wallets within the hours of a limit is within the limit. Each transfer counts by its last
   * send before the money left.
   */
  private overspent(rows: readonly RowView[], { transfers }: Truth): string[] {
    if (this.witness.spendLimits.length === 0) return [];
    const news: Spent[] = [];
    for (const { externalId, createdAt } of transfers) {
      if (externalId === null || this.spent.has(externalId)) continue;
      const row = rows.find((each) => each.kpayId === externalId);
      const attempt = row && this.lastAttempt(row.id, Date.parse(createdAt));
      if (!attempt) continue;
      // When a person has sent a transfer again, that person is responsible for it.
      const minor = this.explained.get(row.id)?.reviewed ? 0 : row.minor;
      const spent = { minor, currency: row.currency, corridor: row.corridor, atMs: attempt.startedMs };
      this.spent.set(externalId, spent);
      news.push(spent);
    }
    return news.length === 0 ? [] : this.witness.spendLimits.flatMap((limit) => this.beyond(limit));
  }

  private beyond({ currency, corridor, hours, amountMinor }: SpendLimit): string[] {
    const counted = [...this.spent.values()].filter(
      (spent) => spent.currency === currency && (corridor ?? spent.corridor) === spent.corridor,
    );
    return counted.flatMap(({ atMs }) => {
      const within = counted.filter((spent) => spent.atMs <= atMs && spent.atMs > atMs - hours * 3_600_000);
      const minor = within.reduce((sum, spent) => sum + spent.minor, 0);
      return minor <= Number(amountMinor) ? [] : [`${minor} minor ${currency} were spent within a limit of ${amountMinor}`];
    });
  }

  /**
   * The amount that the funds check takes for reserved is the amount by the events: nothing leaks, and it is never
   * negative.
   */
  private async misreserved({ events, rows }: LedgerView): Promise<string[]> {
    const reserving = events.filter(({ from, to }) =>
      [from, to].some((state) => state !== null && MAY_HAVE_MOVED.includes(state)),
    );
    const touched = new Set(reserving.map((event) => rows.find((row) => row.id === event.id)?.currency));
    const broken: string[] = [];
    const askedMs = this.universe.timeline.nowMs() - 30_000;
    for (const currency of touched) {
      if (currency === undefined) continue;
      const expected = rows
        .filter((row) => row.currency === currency && this.isReserved(row.id, askedMs))
        .reduce((sum, row) => sum + row.minor, 0);
      const snapshot = { wallets: [], askedAt: new Date(askedMs) };
      const verdict = await evaluateFunds(this.universe.ledger.db, transferRow({ currency }), snapshot, new Date(askedMs));
      const { reservedByUs } = (verdict.inputs?.balance ?? {}) as { reservedByUs?: string };
      const reserved = Math.round(Number(reservedByUs) * 10 ** decimalsOf(currency));
      if (reserved !== expected) broken.push(`${reserved} minor ${currency} count as reserved, the events say ${expected}`);
    }
    return broken;
  }

  private isReserved(id: string, askedMs: number): boolean {
    const explained = this.explained.get(id);
    if (!explained) return false;
    if (MAY_HAVE_MOVED.includes(explained.state)) return true;
    return explained.state === 'succeeded' && (explained.finishedMs ?? 0) > askedMs - IN_BALANCE_MS;
  }
}

/** For a ledger that nothing has written to since the last check. */
const nothingNew: LedgerView = { rows: [], events: [], attempts: [], pauses: [], unknownInARow: 0 };

function keyOf({ id, number }: AttemptView): string {
  return `${id} ${number}`;
}

function isPaused(row: RowView, { fromMs, liftedMs, untilMs, corridor }: PauseView, atMs: number): boolean {
  const inForce = fromMs < atMs && (liftedMs === null || liftedMs > atMs) && (untilMs === null || untilMs > atMs);
  return inForce && (corridor === null || corridor === row.corridor);
}

function decimalsOf(currency: string): number {
  return ['XAF', 'XOF', 'RWF', 'UGX'].includes(currency) ? 0 : 2;
}
