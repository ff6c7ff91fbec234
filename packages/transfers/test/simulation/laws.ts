import type { Truth } from '@kpay/simulator';
import { BREAKER_AFTER } from '../../src/breaker.ts';
import { judgeFunds } from '../../src/checks/funds.ts';
import { isFinal, type TransferState } from '../../src/index.ts';
import { transferRow } from '../transfer-row.ts';
import { RETRY_AFTER_SECONDS } from './faults.ts';
import { type AttemptView, type EventView, type LedgerView, type PauseView, type RowView, viewLedger } from './ledger-view.ts';
import { ours, type Universe, WINDOW_MS } from './world.ts';

/** Until when after its start an attempt may be written: its lease less the call's timeout. */
const WRITABLE_MS = 25_000;
/** Until when after it was prepared: the slot's lease less the call's timeout. */
const SLOT_USABLE_MS = 40_000;
/** What an injected 429 asks for. */
const RETRY_AFTER_MS = RETRY_AFTER_SECONDS * 1_000;
/** A transfer that succeeded this long before a balance was asked for is in it. */
const IN_BALANCE_MS = 5_000;
const MAY_HAVE_MOVED: readonly TransferState[] = ['submitting', 'unconfirmed', 'review'];

type Request = Truth['requests'][number];

/** What the laws must know that neither the ledger nor KPay tells. */
export interface Witness {
  /** When what processes share was wiped last. */
  wipedMs(): number;
  /** Since when the processes have their keys. */
  keysSinceMs(): number;
  /** When a worker had a slot for this transfer last. */
  preparedMs(worker: string, transfer: string): number | undefined;
  /** Whether balances of another application may be read: then they cannot cover what is sent to ours. */
  isConfused(): boolean;
  count: (what: string, times?: number) => void;
}

/** What a transfer's own events make of it. */
interface Explained {
  state: TransferState;
  version: number;
  finishedMs: number | null;
}

/**
 * Looks on through one life and says what is broken: a sentence each, by what the ledger and KPay both hold. It keeps
 * what it has seen, so that each look costs the same and nothing can be undone behind its back.
 */
export class Laws {
  private readonly universe: Universe;
  private readonly witness: Witness;
  private seenEvent = 0;
  private seenAttemptMs = 0;
  private seenRequest = 0;
  private seenWrites = -1;
  private seenTransfers = 0;
  private readonly explained = new Map<string, Explained>();
  private readonly attempts = new Map<string, AttemptView>();
  private readonly bodies = new Map<string, string>();
  private readonly written = new Set<string>();
  private readonly orderedIds = new Set<string>();
  /** Sent while another application's balance was looked at. */
  private readonly uncovered = new Set<string>();
  private unknownInARow = 0;
  /** KPay has asked for silence. */
  private silence = { fromMs: 0, untilMs: 0 };

  constructor(universe: Universe, witness: Witness) {
    this.universe = universe;
    this.witness = witness;
  }

  /** After every step. */
  async broken(): Promise<string[]> {
    const { ledger, simulator, timeline, writes } = this.universe;
    const truth = simulator.control.truth({ requestsAfter: this.seenRequest });
    if (writes() === this.seenWrites && truth.requests.length === 0 && truth.transferCount === this.seenTransfers) return [];
    this.seenWrites = writes();
    this.seenTransfers = truth.transferCount;
    const view = await viewLedger(ledger, { event: this.seenEvent, attemptMs: this.seenAttemptMs });
    for (const row of view.rows) this.orderedIds.add(row.kpayId);
    const broken = [
      ...view.events.flatMap((event) => this.explain(event)),
      ...view.rows.flatMap((row) => this.unexplained(row)),
      ...this.effects(view.rows, truth),
      ...view.attempts.flatMap((attempt) => this.attempt(attempt, view)),
      ...truth.requests.flatMap((request) => this.request(request, view.rows)),
      ...this.overdrawn(view.rows, truth),
      ...truth.money.problems,
      ...(await this.misreserved(view)),
    ];
    this.seenEvent = view.events.at(-1)?.sequence ?? this.seenEvent;
    this.seenAttemptMs = timeline.nowMs();
    this.seenRequest = truth.requests.at(-1)?.sequence ?? this.seenRequest;
    return broken;
  }

  /** When a life is over. */
  async unfinished(): Promise<string[]> {
    const { rows } = await viewLedger(this.universe.ledger, { event: this.seenEvent, attemptMs: this.seenAttemptMs });
    return rows.flatMap((row) => {
      if (!isFinal(row.state)) return [`${row.name} is still ${row.state} at the end: ${row.reason}`];
      return row.leaseMs === null && row.dueMs === null ? [] : [`${row.name} is ${row.state} and still has a lease or is due`];
    });
  }

  /** Every state is the one that the events lead to, one version after the other. */
  private explain(event: EventView): string[] {
    const before = this.explained.get(event.id);
    this.explained.set(event.id, {
      state: event.to,
      version: event.version,
      finishedMs: isFinal(event.to) ? event.atMs : null,
    });
    this.witness.count(`event ${event.type}`);
    if (event.code !== null) this.witness.count(`${event.to} ${event.code}`);
    if (event.version !== (before?.version ?? 0) + 1) return [`event ${event.version} of ${event.id} after ${before?.version}`];
    return event.from === (before?.state ?? null) ? [] : [`${event.id} leaves ${event.from}, but was ${before?.state}`];
  }

  private unexplained(row: RowView): string[] {
    const explained = this.explained.get(row.id);
    return explained?.state === row.state && explained.version === row.version
      ? []
      : [`${row.name} is ${row.state} v${row.version}; its events say ${explained?.state} v${explained?.version}`];
  }

  /** At most one effect, of what somebody ordered, of our application; one when succeeded, none when it ended otherwise. */
  private effects(rows: readonly RowView[], { transfers }: Truth): string[] {
    const counted = new Map<string | null, number>();
    const broken: string[] = [];
    for (const { id, externalId, applicationId } of transfers) {
      counted.set(externalId, (counted.get(externalId) ?? 0) + 1);
      if (applicationId !== ours) broken.push(`${id} moved the money of another application`);
      if (externalId === null || !this.orderedIds.has(externalId)) broken.push(`KPay made ${id}, which nobody ordered`);
    }
    for (const [id, effects] of counted) if (effects > 1) broken.push(`${id} had ${effects} effects`);
    for (const row of rows) {
      const effects = counted.get(row.kpayId) ?? 0;
      if (row.state === 'succeeded' && effects === 0) {
        broken.push(`${row.name} succeeded (${row.confirmedBy}) without an effect`);
      }
      if (isFinal(row.state) && row.state !== 'succeeded' && effects > 0) {
        broken.push(`${row.name} is ${row.state}, but money moved`);
      }
    }
    return broken;
  }

  private attempt(attempt: AttemptView, view: LedgerView): string[] {
    const key = `${attempt.id} ${attempt.number}`;
    const known = this.attempts.get(key);
    this.attempts.set(key, attempt);
    return [
      ...(known ? [] : this.begun(attempt, view)),
      // An answer that comes after its attempt was given up ends it a second time.
      ...(attempt.endedMs !== null && attempt.endedMs !== known?.endedMs ? this.ended(attempt) : []),
    ];
  }

  /** Not under a pause, not while another attempt of the transfer is under way, and not through an open breaker. */
  private begun(attempt: AttemptView, { rows, pauses }: LedgerView): string[] {
    const { id, number, startedMs } = attempt;
    const row = rows.find((each) => each.id === id);
    if (!row) return [`attempt ${number} is of no transfer`];
    if (this.witness.isConfused()) this.uncovered.add(id);
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
    ];
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

  /** A send: one body for one id, once for each attempt, within both leases, never after the end. And the limit. */
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
    // An attempt that was committed before is on its way: the late answer of an earlier one may end the transfer
    // meanwhile. It has the same id and body, so KPay answers 409 (law 1).
    if (row.finishedMs !== null && attempt.startedMs > row.finishedMs) {
      broken.push(`${row.name} was sent after it was ${row.state}`);
    }
    const key = `${attempt.id} ${attempt.number}`;
    if (this.written.has(key)) broken.push(`${row.name}: attempt ${attempt.number} was sent twice`);
    this.written.add(key);
    if (atMs > attempt.startedMs + WRITABLE_MS) broken.push(`${row.name} was sent outside its lease`);
    const preparedMs = this.witness.preparedMs(attempt.worker, row.id) ?? 0;
    if (atMs > preparedMs + SLOT_USABLE_MS) broken.push(`${row.name} was sent outside the lease of its slot`);
    return broken;
  }

  /** After a 429 the whole account waits: who had no slot by then, gets none. */
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
    return [...this.attempts.values()].findLast((attempt) => attempt.id === id && attempt.startedMs <= atMs);
  }

  private body(kpayId: string, hash: string): string[] {
    const known = this.bodies.get(kpayId);
    this.bodies.set(kpayId, known ?? hash);
    return known === undefined || known === hash ? [] : [`${kpayId} has two bodies`];
  }

  /** What may still happen must be covered by the money KPay has: nobody takes any from outside. */
  private overdrawn(rows: readonly RowView[], truth: Truth): string[] {
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

  /** What the funds check takes for reserved is what the events say: nothing of it leaks, and it is never negative. */
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
      const verdict = await judgeFunds(this.universe.ledger.db, transferRow({ currency }), snapshot, new Date(askedMs));
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

function isPaused(row: RowView, { fromMs, liftedMs, untilMs, corridor }: PauseView, atMs: number): boolean {
  const inForce = fromMs < atMs && (liftedMs === null || liftedMs > atMs) && (untilMs === null || untilMs > atMs);
  return inForce && (corridor === null || corridor === row.corridor);
}

function decimalsOf(currency: string): number {
  return ['XAF', 'XOF', 'RWF', 'UGX'].includes(currency) ? 0 : 2;
}
