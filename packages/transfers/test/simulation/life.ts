import type { FaultRule } from '@kpay/simulator';
import { tendBreaker } from '../../src/breaker.ts';
import {
  acceptTransfer,
  cancelTransfer,
  findTransfer,
  isFinal,
  liftPause,
  type PauseScope,
  pause,
  resolveReview,
  type TransferRow,
} from '../../src/index.ts';
import { createDice, type Dice } from './dice.ts';
import { brokenHistory, brokenNow } from './laws.ts';
import type { WaitingTask } from './tasks.ts';
import { startWorkers, type Universe, type Workers } from './world.ts';

const ACTIONS = 120;
const ORDERS_AT_START = 3;
const MOST_ROUNDS = 3_000;

/** What can happen next, and how often it does. */
const happenings = {
  step: 60,
  deliver: 24,
  sweep: 8,
  wait: 8,
  accept: 5,
  crash: 2,
  pause: 2,
  lift: 3,
  cancel: 2,
  resolve: 2,
  revokeTokens: 1,
  deposit: 2,
  rate: 1,
  wipe: 0.5,
};

/** What can move a transfer or money; the rest changes nothing that a law speaks of. */
const moving: ReadonlySet<keyof typeof happenings> = new Set(['step', 'cancel', 'resolve']);

/** Both sides of each currency exponent, and wallets that share a currency. */
const orders = [
  { sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 },
  { sourceCountry: 'GAB', destinationCountry: 'CMR', amount: 70_000 },
  { sourceCountry: 'KEN', destinationCountry: 'RWA', amount: 1_200.5 },
  { sourceCountry: 'ZMB', destinationCountry: 'KEN', amount: 333.33 },
];

/** Enough for each order alone and never for two: what one is sent with, another must not count on. */
const scarce = { CMR: 120_000, GAB: 71_000, KEN: 1_500, ZMB: 400 };

const lostAnswers: readonly FaultRule['fault'][] = [
  { kind: 'drop', when: 'before' },
  { kind: 'drop', when: 'after' },
  { kind: 'drop', when: 'after', reset: true },
  { kind: 'truncate' },
  { kind: 'status', status: 500, when: 'before' },
  { kind: 'status', status: 503, when: 'after' },
  { kind: 'html', status: 201, when: 'after' },
];
const refusals: readonly FaultRule['fault'][] = [
  { kind: 'status', status: 400 },
  { kind: 'unauthorized' },
  { kind: 'rate_limit', retryAfterSeconds: 2 },
  { kind: 'burn_id' },
  { kind: 'burn_id' },
];

/** What became of one life, for the curious. */
export interface LifeStory {
  steps: number;
  states: Record<string, number>;
  /** What happened, a line each: the same for the same seed. */
  told: readonly string[];
}

/**
 * One life of the system, all of it out of one seed: transfers are ordered, hints come twice, late or never,
 * processes die, answers get lost; then things calm down and everything must come to its end.
 *
 * @throws an Error with what was broken, and how it came to that.
 */
export async function live(universe: Universe, seed: number): Promise<LifeStory> {
  await universe.reset();
  const dice = createDice(seed);
  const errors: string[] = [];
  const workers = await startWorkers(universe, dice, (error) =>
    errors.push(error instanceof Error ? String(error.stack) : String(error)),
  );
  const life = new Life(universe, workers, dice);
  try {
    await life.open();
    for (let action = 0; action < ACTIONS; action++) {
      const happening = dice.weighted(happenings);
      await life.happen(happening);
      const looked = moving.has(happening) ? await brokenNow(universe.ledger, universe.simulator) : [];
      await assertUnbroken(life, [...errors, ...looked]);
    }
    await life.calmDown(() => assertUnbroken(life, errors));
    await assertUnbroken(life, [
      ...(await brokenNow(universe.ledger, universe.simulator)),
      ...(await brokenHistory(universe.ledger, universe.simulator)),
    ]);
    const rows = await life.rows();
    const states = Object.groupBy(rows, (row) => row.state);
    const counts = Object.fromEntries(Object.entries(states).map(([state, all]) => [state, all.length]));
    return { steps: life.steps, states: counts, told: life.story };
  } finally {
    await workers.close();
  }
}

async function assertUnbroken(life: Life, broken: readonly string[]): Promise<void> {
  if (broken.length > 0) throw new Error(`${broken.join('\n')}\n\n${life.story.slice(-40).join('\n')}`);
}

class Life {
  readonly story: string[] = [];
  steps = 0;
  /** The modelled queue: ids of transfers. */
  private hints: string[] = [];
  /** Transfers by their external ids, for the story. */
  private readonly names = new Map<string, string | null>();
  /** Ids that KPay answers 409 until then, because a call of them still runs there; it will come to nothing. */
  private readonly running = new Map<string, number>();
  private readonly universe: Universe;
  private readonly workers: Workers;
  private readonly dice: Dice;

  constructor(universe: Universe, workers: Workers, dice: Dice) {
    this.universe = universe;
    this.workers = workers;
    this.dice = dice;
  }

  async open(): Promise<void> {
    const { control } = this.universe.simulator;
    for (const [country, balance] of Object.entries(scarce)) control.setBalance({ country, balance });
    control.setBalance({ country: 'COG', balance: 0 });
    control.setRate({ from: 'XAF', to: 'XOF', rate: 1 });
    for (let order = 0; order < ORDERS_AT_START; order++) await this.accept();
  }

  rows(): Promise<TransferRow[]> {
    return this.universe.ledger.db.selectFrom('kpay.transfers').selectAll().orderBy('created_at').execute();
  }

  async happen(what: keyof typeof happenings): Promise<void> {
    // Nothing happens at the same moment as something else, so that before and after are never in doubt.
    this.universe.passMs(1 + this.dice.below(200));
    const { ledger, simulator, clock } = this.universe;
    switch (what) {
      case 'step': {
        const task = this.dice.pick(this.workers.tasks.waiting());
        if (task) await this.step(task, true);
        return;
      }
      case 'deliver':
        return this.deliver();
      case 'sweep':
        return this.sweep();
      case 'wait':
        this.universe.passMs(this.dice.pick([1_000, 6_000, 20_000, 46_000, 130_000]) ?? 0);
        return this.tell('time passes');
      case 'accept':
        return this.accept();
      case 'crash': {
        const worker = this.dice.pick(this.workers.names());
        this.tell(`${worker} dies`);
        return worker === undefined ? undefined : this.workers.crash(worker);
      }
      case 'wipe':
        this.hints = [];
        this.tell('the queue and the stores are wiped');
        return this.workers.wipeStores();
      case 'pause': {
        const scope = this.dice.pick<PauseScope>([
          { scope: 'all' },
          { scope: 'account', account: 'default' },
          { scope: 'corridor', account: 'default', corridor: 'CMR-SEN' },
        ]);
        if (!scope) return;
        const until = this.dice.chance(0.3) ? new Date(clock.now() + 90_000) : null;
        this.tell(`pause ${scope.scope}`);
        await pause(ledger, scope, { by: 'ada', reason: 'simulated', until });
        return;
      }
      case 'lift':
        return this.liftPauses();
      case 'cancel': {
        const row = this.dice.pick(await this.rows());
        if (!row) return;
        const cancelled = await cancelTransfer(ledger, row.id, { by: 'ada' });
        return this.tell(`cancel ${row.external_id}: ${cancelled?.outcome}`);
      }
      case 'resolve':
        return this.resolveReviews(0.3);
      case 'revokeTokens':
        this.tell('tokens are revoked');
        return simulator.control.revokeTokens();
      case 'deposit':
        return this.deposit();
      case 'rate':
        return simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: this.dice.pick([0.9, 1, 1.1]) ?? 1 });
    }
  }

  /** No more mischief: everything must end, by the sweep and by people who look at KPay. */
  async calmDown(check: () => Promise<void>): Promise<void> {
    this.tell('things calm down');
    await this.liftPauses();
    this.universe.simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 2 });
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.universe.passMs(1);
      await this.drain();
      await check();
      await this.resolveReviews(0);
      const open = (await this.rows()).filter((row) => !isFinal(row.state));
      if (open.length === 0) return;
      const next = Math.min(...open.map((row) => row.due_at?.getTime() ?? Number.POSITIVE_INFINITY));
      if (next === Number.POSITIVE_INFINITY && open.every((row) => row.state !== 'review')) return;
      this.universe.passMs(Math.max(0, Math.min(next, this.universe.clock.now() + 3_600_000) - this.universe.clock.now()));
      if (open.some((row) => row.reason_code === 'insufficient_funds')) this.deposit();
      await this.sweep();
      for (const id of this.hints.splice(0)) await this.start(id);
    }
  }

  private async drain(): Promise<void> {
    for (let task = this.workers.tasks.waiting()[0]; task; task = this.workers.tasks.waiting()[0]) {
      this.universe.passMs(1);
      await this.step(task, false);
    }
  }

  private async step(task: WaitingTask, mischief: boolean): Promise<void> {
    this.steps += 1;
    const fault = this.conflictOf(task) ?? (mischief ? await this.chooseFault(task) : undefined);
    const { control } = this.universe.simulator;
    if (fault) control.addFault(fault);
    this.tell(
      `${task.owner} ${task.before} of ${this.names.get(task.about ?? '')}${fault ? ` ${JSON.stringify(fault.fault)}` : ''}`,
    );
    await this.workers.tasks.step(task);
    control.clearFaults();
    // The limit of law 5: a refusal that burns the id, and is never written down because the process dies right then,
    // looks like a success for ever. No rule can tell them apart, so this one answer is always committed here.
    const settling = fault?.fault.kind === 'burn_id' ? this.workers.tasks.waiting().at(-1) : undefined;
    if (settling) await this.workers.tasks.step(settling);
  }

  /** While a call of an id runs at KPay, another one is answered 409, though in the end nothing may come of it. */
  private conflictOf(task: WaitingTask): FaultRule | undefined {
    const runs = task.before === 'send' && (this.running.get(task.about ?? '') ?? 0) > this.universe.clock.now();
    return runs ? { match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'status', status: 409 } } : undefined;
  }

  private async chooseFault(task: WaitingTask): Promise<FaultRule | undefined> {
    if (task.before !== 'send') {
      if (!this.dice.chance(0.04)) return undefined;
      const fault = this.dice.pick<FaultRule['fault']>([
        { kind: 'status', status: 503 },
        { kind: 'unauthorized' },
        { kind: 'drop' },
      ]);
      return fault && { times: 1, fault };
    }
    const row = task.about === undefined ? undefined : await findTransfer(this.universe.ledger, task.about);
    const match = { endpoint: 'transfer' as const };
    if (row?.attempts === 1 && this.dice.chance(0.15)) {
      this.running.set(row.id, this.universe.clock.now() + 1_000 + this.dice.below(55_000));
      return { match, times: 1, fault: { kind: 'drop', when: 'before' } };
    }
    // An answer lost after a refusal is rare, and the one case in which a later 409 lies.
    const lost = this.dice.chance(row?.refused_before ? 0.7 : 0.35);
    const refused = !lost && this.dice.chance(0.25);
    const fault = lost ? this.dice.pick(lostAnswers) : refused ? this.dice.pick(refusals) : undefined;
    return fault && { match, times: 1, fault };
  }

  /** A hint comes: not always the first one, and sometimes once more later. */
  private async deliver(): Promise<void> {
    const id = this.dice.pick(this.hints);
    if (id === undefined) return;
    if (!this.dice.chance(0.3)) this.hints.splice(this.hints.indexOf(id), 1);
    await this.start(id);
  }

  private async start(id: string): Promise<void> {
    const worker = this.dice.pick(this.workers.names());
    if (worker !== undefined) await this.workers.advance(worker, id);
  }

  private async sweep(): Promise<void> {
    await this.universe.ledger.transaction((tx) => tendBreaker(tx, 'default'));
    const now = this.universe.clock.now();
    const due = (await this.rows()).filter((row) => row.due_at !== null && row.due_at.getTime() <= now);
    this.hints.push(...due.map((row) => row.id));
  }

  private async accept(): Promise<void> {
    const { ledger, clock } = this.universe;
    const body = {
      ...this.dice.pick(orders),
      externalId: `order-${this.names.size + 1}`,
      onInsufficientFunds: this.dice.chance(0.15) ? 'fail' : 'hold',
      ...(this.dice.chance(0.2) ? { expiresAt: new Date(clock.now() + 60_000 + this.dice.below(300_000)).toISOString() } : {}),
    };
    const minRate = body.destinationCountry === 'SEN' && this.dice.chance(0.4) ? { minRate: '1' } : {};
    const order = { account: 'default', owner: 'admin', body: { ...body, ...minRate } };
    const { transfer } = await acceptTransfer(ledger, new Set(['default']), order);
    this.names.set(transfer.id, transfer.external_id);
    this.tell(`accept ${transfer.external_id} ${transfer.amount_minor} ${transfer.currency}`);
    // Some hints are lost on their way; the sweep finds the row.
    if (this.dice.chance(0.8)) this.hints.push(transfer.id);
    if (this.dice.chance(0.3)) this.hints.push(transfer.id);
  }

  private async liftPauses(): Promise<void> {
    const { ledger } = this.universe;
    const pauses = await ledger.db.selectFrom('kpay.pauses').selectAll().where('lifted_at', 'is', null).execute();
    for (const { id } of pauses) await liftPause(ledger, id, 'ada');
    if (pauses.length > 0) this.tell('pauses are lifted');
  }

  /** A person looks at KPay and says what is true there; or has it sent again, this often. */
  private async resolveReviews(sendAgain: number): Promise<void> {
    const { ledger, simulator } = this.universe;
    for (const row of await this.rows()) {
      if (row.state !== 'review') continue;
      const happened = simulator.control.truth({ requests: 0, externalId: row.kpay_external_id }).transfers.length > 0;
      const verdict = this.dice.chance(sendAgain) ? 'send_again' : happened ? 'happened' : 'not_happened';
      await resolveReview(ledger, row.id, { by: 'ada', verdict, reason: 'seen at KPay' });
      this.tell(`resolve ${row.external_id}: ${verdict}`);
    }
  }

  private deposit(): void {
    const { control } = this.universe.simulator;
    const { wallets } = control.truth({ requests: 0, transfers: 0 });
    for (const [country, amount] of Object.entries(scarce)) {
      const wallet = wallets.find((each) => each.country === country);
      control.setBalance({
        country,
        balance: (Number(wallet?.balance) + amount).toFixed(wallet?.balance.split('.')[1]?.length ?? 0),
      });
    }
    this.tell('deposit');
  }

  private tell(what: string): void {
    this.story.push(`${((this.universe.clock.now() - Date.UTC(2026, 0, 1)) / 1_000).toFixed(3)}s ${what}`);
  }
}
