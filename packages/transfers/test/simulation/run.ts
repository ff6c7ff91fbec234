import { sql } from 'kysely';
import { acceptTransfer, findTransfer, KeyEnded, type TransferRow, type TransferState } from '../../src/index.ts';
import { finishRestore } from '../../src/restore/finish-restore.ts';
import { tendBreaker } from '../../src/send/breaker.ts';
import { deceptionOf, deceptiveRead, faultOfRead, faultOfSend } from './faults.ts';
import { Invariants } from './invariants.ts';
import { People } from './people.ts';
import { createRng, type Rng } from './rng.ts';
import { type Happening, isRare, RARE, type RareHappening, rareHappenings, type Scenario, scenarioOf } from './scenarios.ts';
import { Tally } from './tally.ts';
import type { WaitingTask } from './tasks.ts';
import { ours, startWorkers, type Universe, type Workers } from './world.ts';

const MAX_ROUNDS = 3_000;
const REFUSES_WRITES = '25006';
const QUIET_MS = 3_600_000;
const UNFINISHED: TransferState[] = ['queued', 'holding', 'submitting', 'unconfirmed', 'review'];
// How long a process is stopped with an answer in its hands: past its lease, and up to this much longer.
const FROZEN_PAST_LEASE_MS = 45_500;
const FROZEN_LONGER_MS = 15_000;

/** Both currency exponents, and wallets that share a currency. */
const orders = [
  { sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 },
  { sourceCountry: 'GAB', destinationCountry: 'CMR', amount: 70_000 },
  { sourceCountry: 'KEN', destinationCountry: 'RWA', amount: 1_200.5 },
  { sourceCountry: 'ZMB', destinationCountry: 'KEN', amount: 333.33 },
];

/** Enough for each order alone and never for two, so that one order's money must not be used for another. */
const scarce = { CMR: 120_000, GAB: 71_000, KEN: 1_500, ZMB: 400 };

/** The result of one run. */
export interface RunStory {
  steps: number;
  counts: Readonly<Record<string, number>>;
  /** What happened, a line each. The same seed gives the same lines. */
  story: readonly string[];
}

/**
 * One run of the system from one seed. Transfers are ordered, advance jobs come twice, late or never, processes die and
 * freeze, answers get lost or come late. Then the faults stop, and everything must end.
 *
 * @throws an Error with what was broken, and the steps before it.
 */
export async function live(universe: Universe, seed: number): Promise<RunStory> {
  await universe.reset();
  const rng = createRng(seed);
  const scenario = scenarioOf(seed);
  const tally = new Tally();
  const errors: string[] = [];
  const count = (what: string, times = 1) => tally.count(what, times);
  const workers = await startWorkers(universe, {
    limit: rng.pick(scenario.limits) ?? 40,
    spendLimits: scenario.spendLimits,
    rng,
    count,
    onError: (error) => {
      // An answer to a send that the ledger has forgotten has no row to be stored in.
      if (run.hasRestored && /^attempt \d+ of transfer \S+ is not in the ledger$/.test(String(Object(error).message))) return;
      // The ledger refused it; the caller repeats the request.
      if (Object(error).code === REFUSES_WRITES) return count('writes that the ledger refused');
      errors.push(error instanceof Error ? String(error.stack) : String(error));
    },
  });
  const run = new Run(universe, workers, scenario, rng, tally, isRare(seed));
  const invariants = new Invariants(universe, {
    ...workers,
    withdrawnMs: () => run.withdrawnMs,
    restoredMs: () => run.restoredMs,
    spendLimits: scenario.spendLimits,
    bestRateSince: (ms) => run.bestRateSince(ms),
    count,
  });
  const check = async () => assertUnbroken(run, [...errors, ...(await invariants.broken())]);
  try {
    await run.open();
    for (let action = 0; action < scenario.actions; action++) {
      await run.happen(rng.weighted(scenario.happenings), invariants);
      await check();
      if (!run.isRare || !rng.chance(RARE)) continue;
      await run.happenRarely(rng.weighted(rareHappenings), invariants);
      await check();
    }
    await run.calmDown(check, invariants);
    await check();
    assertUnbroken(run, await invariants.unfinished());
    for (const row of await run.rows()) tally.count(`transfers ${row.state}`);
    return { steps: run.steps, counts: tally.counts, story: run.story };
  } finally {
    await workers.close();
  }
}

function assertUnbroken(run: Run, broken: readonly string[]): void {
  if (broken.length > 0) throw new Error(`${broken.join('\n')}\n\n${run.story.slice(-60).join('\n')}`);
}

class Run {
  readonly story: string[] = [];
  steps = 0;
  /** The modelled queue: ids of transfers. */
  private deliveries: string[] = [];
  /** The order of each transfer. */
  private readonly ordered = new Map<string, { name: string; body: object }>();
  private readonly people: People;
  private outageUntilMs = 0;
  private backup: { epoch: number; restore: () => Promise<void> } | undefined;
  /** The ids that orders had in the ledger before a restore lost them, by name. */
  private readonly lost = new Map<string, string[]>();
  hasRestored = false;
  restoredMs: number | undefined;
  withdrawnMs = Number.NEGATIVE_INFINITY;
  /** KPay's rate from XAF to XOF, and since when. */
  private readonly rates: { sinceMs: number; rate: number }[] = [];
  readonly isRare: boolean;
  private readonly universe: Universe;
  private readonly workers: Workers;
  private readonly scenario: Scenario;
  private readonly rng: Rng;
  private readonly tally: Tally;

  constructor(universe: Universe, workers: Workers, scenario: Scenario, rng: Rng, tally: Tally, rare: boolean) {
    this.isRare = rare;
    this.universe = universe;
    this.workers = workers;
    this.scenario = scenario;
    this.rng = rng;
    this.tally = tally;
    const done = { log: (what: string) => this.log(what), count: (what: string) => tally.count(what) };
    this.people = new People(universe, workers.epochWitness, rng, done, (row) => [
      row.id,
      ...(this.lost.get(row.external_id ?? '') ?? []),
    ]);
  }

  async open(): Promise<void> {
    const { control } = this.universe.simulator;
    const plenty = this.scenario.rich ? 1_000 : 1;
    for (const [country, balance] of Object.entries(scarce)) control.setBalance({ country, balance: balance * plenty });
    control.setBalance({ country: 'COG', balance: 0 });
    this.setRate(1);
    for (let order = 0; order < this.scenario.ordersAtStart; order++) {
      // Each at a different time, because rows of the same time are ordered by their ids, which are random.
      await this.universe.timeline.pass(1);
      await this.accept();
    }
  }

  rows(): Promise<TransferRow[]> {
    return this.universe.ledger.db.selectFrom('kpay.transfers').selectAll().orderBy('created_at').execute();
  }

  private rowsIn(...states: TransferState[]): Promise<TransferRow[]> {
    const rows = this.universe.ledger.db.selectFrom('kpay.transfers').selectAll().where('state', 'in', states);
    return rows.orderBy('created_at').execute();
  }

  async happen(what: Happening, invariants: Invariants): Promise<void> {
    const { timeline } = this.universe;
    // No two things happen at the same time, so that before and after are always clear.
    await timeline.pass(1 + this.rng.below(200));
    switch (what) {
      case 'step': {
        const task = this.rng.pick(this.steppable());
        return task ? this.step(task, true) : this.deliver();
      }
      case 'deliver':
        return this.deliver();
      case 'sweep':
        return this.sweep();
      case 'wait':
        this.log('time passes');
        return timeline.pass(this.rng.pick(this.scenario.waitsMs) ?? 0);
      case 'accept':
        return this.accept();
      case 'acceptAgain':
        return this.acceptAgain();
      case 'pause':
        return this.people.pause();
      case 'lift':
        return this.people.liftPauses();
      case 'cancel':
        await this.people.cancel(this.rng.pick(await this.rows()));
        return;
      case 'resolve':
        return this.people.resolveReviews(await this.rowsIn('review'), 0.6);
      case 'replay': {
        const transfer = await this.people.replay(this.rng.pick(await this.rows()), `again-${this.ordered.size + 1}`);
        return transfer && this.enqueue(transfer, {});
      }
      case 'deposit':
        return this.deposit();
      case 'withdraw':
        return this.withdraw();
      case 'read':
        return this.read();
      case 'backUp':
        return this.backUp();
      case 'restore':
        return this.restore(invariants);
      case 'finishRestore':
        return this.finishRestore(invariants);
      case 'rate':
        return this.setRate(this.rng.pick([0.9, 1, 1.1]) ?? 1);
      case 'outage':
        this.outageUntilMs = timeline.nowMs() + 60_000 + this.rng.below(300_000);
        this.tally.count('outages');
        return this.log('KPay is away');
      default:
        return this.disturb(what);
    }
  }

  private setRate(rate: number): void {
    this.universe.simulator.control.setRate({ from: 'XAF', to: 'XOF', rate });
    this.rates.push({ sinceMs: this.universe.timeline.nowMs(), rate });
  }

  bestRateSince(ms: number): number {
    const inForce = this.rates.filter((_, index) => (this.rates[index + 1]?.sinceMs ?? Number.POSITIVE_INFINITY) > ms);
    return Math.max(...inForce.map(({ rate }) => rate));
  }

  async happenRarely(what: RareHappening, invariants: Invariants): Promise<void> {
    await this.universe.timeline.pass(1 + this.rng.below(200));
    switch (what) {
      case 'replayTogether': {
        const ended = await this.rowsIn('failed', 'cancelled', 'expired');
        const names = [1, 2, 3].map((person) => `again-${this.ordered.size + 1}-${person}`);
        const made = await this.people.replayTogether(this.rng.pick(ended), names);
        if (ended.length > 0) this.tally.count('replays asked for at once');
        return made.forEach((transfer) => {
          this.enqueue(transfer, {});
        });
      }
      case 'revokedKey':
        return this.orderByRevokedKey();
      case 'refuseWrites':
        return this.refuseWrites();
      case 'quietHour':
        return this.quietHour(invariants);
    }
  }

  /** An order whose key is revoked after it was checked, for example while its body is still arriving. */
  private async orderByRevokedKey(): Promise<void> {
    const { ledger, timeline } = this.universe;
    const now = new Date(timeline.nowMs());
    const id = String(1e9 + this.rng.below(9e9)).slice(-10);
    await sql`insert into kpay.api_keys (id, hash, name, owner, scopes, created_by, created_at, revoked_at)
      values (${id}, 'hash', 'till', 'shop', '{transfers:create}', 'ada', ${now}, ${now}) on conflict do nothing`.execute(
      ledger.db,
    );
    const body = { ...this.rng.pick(orders), externalId: `revoked-${id}` };
    // Orders with something to check take another path than those without.
    const expiresAt = this.rng.chance(0.5) ? { expiresAt: new Date(timeline.nowMs() + 60_000).toISOString() } : {};
    const order = { account: 'default', owner: 'shop', body: { ...body, ...expiresAt }, apiKey: { id, limits: [] } };
    const refused = await acceptTransfer(ledger, new Set(['default']), order).then(
      ({ transfer }) => `${transfer.external_id} was accepted of a key that was revoked`,
      (error: unknown) => error,
    );
    if (!(refused instanceof KeyEnded)) throw new Error(String(refused));
    this.tally.count('orders of a key that was revoked meanwhile refused');
  }

  /** The ledger answers but takes no writes for a while, like a database that was made a standby. */
  private async refuseWrites(): Promise<void> {
    const { ledger, timeline } = this.universe;
    this.tally.count('spells of a ledger that refuses writes');
    this.log('the ledger refuses writes');
    await sql`set default_transaction_read_only = on`.execute(ledger.db);
    try {
      for (let step = 3 + this.rng.below(8); step > 0; step--) {
        await timeline.pass(this.rng.pick([1, 500, 5_000, 20_000]) ?? 0);
        const task = this.rng.pick(this.steppable());
        if (task) await this.step(task, true);
      }
    } finally {
      await sql`set default_transaction_read_only = off`.execute(ledger.db);
    }
    this.log('the ledger takes writes');
  }

  /** An hour without a send in which a person decides something; then a restore of the ledger from before it. */
  private async quietHour(invariants: Invariants): Promise<void> {
    if (this.restoredMs !== undefined) return;
    await this.backUp();
    await this.universe.timeline.pass(QUIET_MS);
    const unsent = this.rng.pick(await this.rowsIn('queued', 'holding'));
    if (unsent && this.rng.chance(0.7)) {
      if (!(await this.people.cancel(unsent))) return;
    } else await this.people.pause();
    const witnessed = await this.workers.epochWitness.read();
    if (!witnessed || witnessed.epoch <= (this.backup?.epoch ?? 0)) {
      throw new Error('somebody decided in a quiet hour and the ledger did not grow: nothing would notice that it is restored');
    }
    this.tally.count('restores over a quiet hour in which people decided');
    return this.restore(invariants);
  }

  /** Faults of processes, stores and keys. */
  private async disturb(
    what: 'crash' | 'freeze' | 'wipe' | 'revokeTokens' | 'rotateKeys' | 'restart' | 'misconfigure',
  ): Promise<void> {
    const worker = this.rng.pick(this.workers.names());
    if (what !== 'restart' && what !== 'wipe' && worker === undefined) return;
    this.tally.count(what);
    this.log(`${what} ${worker ?? ''}`);
    switch (what) {
      case 'crash':
        return this.workers.crash(worker ?? '');
      case 'freeze':
        return this.universe.timeline.freeze(worker ?? '', this.universe.timeline.nowMs() + 20_000 + this.rng.below(70_000));
      case 'wipe':
        this.deliveries = [];
        // Until a restore is noticed; nothing else could show it then.
        if (this.restoredMs === undefined) this.workers.epochWitness.lose();
        return this.workers.wipeStores();
      case 'revokeTokens':
        return this.universe.simulator.control.revokeTokens();
      case 'rotateKeys':
        return this.workers.rotateKeys(this.rng.pick(['secret', 'both', 'reused'] as const) ?? 'secret');
      case 'restart':
        return this.workers.restart();
      case 'misconfigure':
        return this.workers.misconfigure(worker ?? '');
    }
  }

  /** No more faults: everything must end, by the sweep and by people who check KPay. */
  async calmDown(check: () => Promise<void>, invariants: Invariants): Promise<void> {
    const { timeline } = this.universe;
    this.log('things calm down');
    this.outageUntilMs = 0;
    await timeline.pass(130_000);
    await this.workers.restart();
    await this.finishRestore(invariants);
    for (const [id, { name }] of [...this.ordered]) if (this.lost.get(name)?.includes(id)) await this.acceptOnceMore(id);
    await this.people.liftPauses();
    this.setRate(2);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await timeline.pass(1);
      await this.drain(check);
      await this.people.resolveReviews(await this.rowsIn('review'), 0);
      const open = await this.rowsIn(...UNFINISHED);
      if (open.length === 0) return;
      const due = open.map((row) => row.due_at?.getTime() ?? Number.POSITIVE_INFINITY);
      const nextMs = Math.min(...due, timeline.nextMs() ?? Number.POSITIVE_INFINITY);
      if (nextMs === Number.POSITIVE_INFINITY && open.every((row) => row.state !== 'review')) return;
      await timeline.pass(Math.max(0, Math.min(nextMs - timeline.nowMs(), 3_600_000)));
      if (open.some((row) => row.reason_code === 'insufficient_funds')) this.deposit();
      await this.sweep();
      for (const id of new Set(this.deliveries.splice(0))) await this.start(id);
    }
  }

  private async drain(check: () => Promise<void>): Promise<void> {
    for (let task = this.steppable()[0]; task; task = this.steppable()[0]) {
      await this.universe.timeline.pass(1);
      await this.step(task, false);
      await check();
    }
  }

  private steppable(): WaitingTask[] {
    return this.universe.tasks.waiting().filter(({ task }) => !this.universe.timeline.isFrozen(task.owner));
  }

  private async step(waiting: WaitingTask, mischief: boolean): Promise<void> {
    this.steps += 1;
    const { tasks, simulator, timeline } = this.universe;
    const { task, before } = waiting;
    const isSend = before === 'send';
    const row = isSend && task.about !== undefined ? await findTransfer(this.universe.ledger, task.about) : undefined;
    const outage = timeline.nowMs() < this.outageUntilMs;
    const { odds } = this.scenario;
    const lie = this.isRare && mischief && !isSend ? deceptiveRead(this.rng, before) : undefined;
    if (lie) this.tally.count(lie.as);
    const fault = !mischief
      ? undefined
      : isSend
        ? faultOfSend(this.rng, odds, row, outage)
        : (lie?.fault ?? faultOfRead(this.rng, odds));
    if (fault) simulator.control.addFault({ match: isSend ? { endpoint: 'transfer' } : {}, times: 1, fault });
    const deception = fault && deceptionOf(fault);
    if (deception !== undefined) this.tally.count(deception);
    const wrong = fault ? ` ${JSON.stringify(fault).slice(0, 300)}` : '';
    this.log(`${task.owner} ${before} of ${this.nameOf(task.about)}${wrong}`);
    await tasks.step(waiting);
    simulator.control.clearFaults();
    if (task.parked && isSend) this.tally.count('calls that KPay takes its time for');
    if (task.parked && !isSend) await this.endRead(task.owner);
    if (mischief && isSend && !task.parked) this.freezeWithAnswer(task.owner);
  }

  /** A process is stopped with an answer in its hands, and continues when its attempt was given up long ago. */
  private freezeWithAnswer(worker: string): void {
    if (this.workers.names().length < 2 || !this.rng.chance(this.scenario.frozenWithAnswer)) return;
    const { timeline } = this.universe;
    timeline.freeze(worker, timeline.nowMs() + FROZEN_PAST_LEASE_MS + this.rng.below(FROZEN_LONGER_MS));
    this.tally.count('stopped with an answer in its hands');
    this.log(`${worker} is stopped with an answer in its hands`);
  }

  /** A read that KPay does not answer. The client gives it up, or its process dies in the middle. */
  private async endRead(worker: string): Promise<void> {
    if (this.rng.chance(0.5)) {
      this.tally.count('reads that time out');
      return this.universe.timeline.pass(20_000);
    }
    this.tally.count('deaths in the middle of a read');
    this.log(`${worker} dies in the middle of a read`);
    await this.workers.crash(worker);
  }

  /** An advance job arrives: not always the first one, and sometimes again later. */
  private async deliver(): Promise<void> {
    const id = this.rng.pick(this.deliveries);
    if (id === undefined) return this.sweep();
    if (!this.rng.chance(0.3)) this.deliveries.splice(this.deliveries.indexOf(id), 1);
    await this.start(id);
  }

  private async start(id: string): Promise<void> {
    const worker = this.rng.pick(this.workers.names());
    if (worker !== undefined) await this.workers.advance(worker, id);
  }

  private async sweep(): Promise<void> {
    await this.universe.ledger.transaction((tx) => tendBreaker(tx, 'default'));
    await this.workers.checkEpochs();
    const { ledger, timeline } = this.universe;
    const now = new Date(timeline.nowMs());
    const due = ledger.db.selectFrom('kpay.transfers').select('id').where('due_at', '<=', now).orderBy('created_at');
    this.deliveries.push(...(await due.execute()).map(({ id }) => id));
  }

  private async accept(): Promise<void> {
    const { ledger, timeline } = this.universe;
    const body = {
      ...this.rng.pick(orders),
      externalId: `order-${this.ordered.size + 1}`,
      onInsufficientFunds: this.rng.chance(0.15) ? 'fail' : 'hold',
      ...(this.rng.chance(0.2) && { expiresAt: new Date(timeline.nowMs() + 60_000 + this.rng.below(300_000)).toISOString() }),
    };
    const minRate = body.destinationCountry === 'SEN' && this.rng.chance(0.4) ? { minRate: '1' } : {};
    const asked = { ...body, ...minRate };
    const { transfer } = await acceptTransfer(ledger, new Set(['default']), { account: 'default', owner: 'admin', body: asked });
    this.enqueue(transfer, asked);
    this.log(`accept ${transfer.external_id} ${transfer.amount_minor} ${transfer.currency}`);
  }

  /** Some advance jobs get lost and some arrive twice; the sweep finds the row. */
  private enqueue(transfer: TransferRow, body: object): void {
    this.ordered.set(transfer.id, { name: transfer.external_id ?? transfer.id, body });
    if (this.rng.chance(0.8)) this.deliveries.push(transfer.id);
    if (this.rng.chance(0.3)) this.deliveries.push(transfer.id);
  }

  /** A caller without an answer asks once more. The answer is the existing transfer. */
  private async acceptAgain(): Promise<void> {
    const [id] = this.rng.pick([...this.ordered].filter(([, order]) => 'externalId' in order.body)) ?? [];
    if (id !== undefined) await this.acceptOnceMore(id);
  }

  /** An order that a restore lost is accepted again, with the same id at KPay. */
  private async acceptOnceMore(id: string): Promise<void> {
    const { name = '', body = {} } = this.ordered.get(id) ?? {};
    if (!('externalId' in body)) return;
    const lost = this.lost.get(name)?.includes(id) ?? false;
    // An order is valid until it expires, even if the ledger has forgotten it.
    if (lost && 'expiresAt' in body && Date.parse(String(body.expiresAt)) <= this.universe.timeline.nowMs()) return;
    const order = { account: 'default', owner: 'admin', body };
    const again = await acceptTransfer(this.universe.ledger, new Set(['default']), order);
    if (again.replayed === lost || (!lost && again.transfer.id !== id)) {
      throw new Error(`the order of ${name} was accepted ${lost ? 'before' : 'twice'}`);
    }
    this.tally.count(lost ? 'orders that a restore lost accepted anew' : 'orders repeated');
    if (!lost) return;
    this.ordered.delete(id);
    this.enqueue(again.transfer, body);
  }

  private async backUp(): Promise<void> {
    if (this.restoredMs !== undefined) return;
    const { ledger } = this.universe;
    const { epoch } = await ledger.db.selectFrom('kpay.ledger').select('epoch').executeTakeFirstOrThrow();
    this.backup = { epoch, restore: await this.universe.backUp() };
    this.log('the ledger is backed up');
  }

  /**
   * Restores the ledger of the last backup, while KPay keeps its state. A backup younger than the last growth of the
   * epoch is not restored here: nothing would notice it, and people would have to report it (docs/decisions/0014).
   */
  private async restore(invariants: Invariants): Promise<void> {
    const witnessed = await this.workers.epochWitness.read();
    if (!this.backup || this.restoredMs !== undefined || !witnessed || witnessed.epoch <= this.backup.epoch) return;
    const restart = this.rng.chance(0.5);
    this.log(`the ledger is restored${restart ? ', and every process starts anew' : ' under the processes'}`);
    if (!restart) await this.workers.crashSenders();
    await this.backup.restore();
    this.hasRestored = true;
    this.restoredMs = this.universe.timeline.nowMs();
    this.tally.count(restart ? 'restores' : 'restores under running processes');
    const there = new Set((await this.rows()).map(({ id }) => id));
    for (const [id, { name }] of this.ordered) {
      if (!there.has(id)) this.lost.set(name, [...(this.lost.get(name) ?? []), id]);
    }
    await invariants.rewind();
    // A restore takes longer than the second between two checks of the ledger.
    if (restart) await this.workers.restart();
    else await this.workers.checkEpochs();
  }

  private async finishRestore(invariants: Invariants): Promise<void> {
    if (this.restoredMs === undefined) return;
    const { outcome } = await finishRestore(this.universe.ledger, this.workers.epochWitness, { by: 'ada' });
    if (outcome !== 'finished') throw new Error('nobody has noticed that the ledger was restored');
    this.restoredMs = undefined;
    this.backup = undefined;
    assertUnbroken(this, await invariants.unreviewed());
    this.tally.count('restores finished');
    this.log('the restore is finished');
  }

  /** Another program that uses the same limit. */
  private async read(): Promise<void> {
    const worker = this.rng.pick(this.workers.names());
    const lane = this.rng.pick(['people', 'metrics'] as const);
    if (worker !== undefined && lane !== undefined) await this.workers.read(worker, lane);
  }

  private wallets() {
    const { wallets } = this.universe.simulator.control.truth({ requests: 0, transfers: 0 });
    return wallets.filter(({ applicationId, country }) => applicationId === ours && country in scarce);
  }

  /** The owner takes money out, which the system cannot know. */
  private withdraw(): void {
    const left = this.rng.pick([0, 0.3]) ?? 0;
    for (const { country, balance } of this.wallets()) {
      this.universe.simulator.control.setBalance({ country, balance: (Number(balance) * left).toFixed(decimalsIn(balance)) });
    }
    this.withdrawnMs = this.universe.timeline.nowMs();
    this.tally.count('withdrawals');
    this.log('the owner takes money out');
  }

  private deposit(): void {
    for (const { country, balance } of this.wallets()) {
      const amount = scarce[country as keyof typeof scarce];
      const after = (Number(balance) + amount).toFixed(decimalsIn(balance));
      this.universe.simulator.control.setBalance({ country, balance: after });
    }
    this.log('deposit');
  }

  private nameOf(id: string | undefined): string {
    return this.ordered.get(id ?? '')?.name ?? 'nothing';
  }

  private log(what: string): void {
    this.story.push(`${((this.universe.timeline.nowMs() - Date.UTC(2026, 0, 1)) / 1_000).toFixed(3)}s ${what}`);
  }
}

function decimalsIn(amount: string): number {
  return amount.split('.')[1]?.length ?? 0;
}
