import { tendBreaker } from '../../src/breaker.ts';
import { acceptTransfer, findTransfer, isFinal, type TransferRow } from '../../src/index.ts';
import { createDice, type Dice } from './dice.ts';
import { faultOfRead, faultOfSend } from './faults.ts';
import { Laws } from './laws.ts';
import { People } from './people.ts';
import { Tally } from './tally.ts';
import type { WaitingTask } from './tasks.ts';
import { ours, startWorkers, type Universe, type Workers } from './world.ts';

const ACTIONS = 180;
const ORDERS_AT_START = 3;
const MOST_ROUNDS = 3_000;

/** What can happen next, and how often it does. */
const happenings = {
  step: 90,
  deliver: 20,
  sweep: 8,
  wait: 5,
  accept: 4,
  acceptAgain: 1,
  crash: 1.5,
  freeze: 2.5,
  pause: 1,
  lift: 2,
  cancel: 1.2,
  resolve: 4,
  replay: 0.7,
  revokeTokens: 1,
  rotateKeys: 0.4,
  restart: 0.7,
  misconfigure: 0.3,
  deposit: 3,
  rate: 1,
  wipe: 0.5,
  outage: 0.7,
};
type Happening = keyof typeof happenings;

/** Both sides of each currency exponent, and wallets that share a currency. */
const orders = [
  { sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 },
  { sourceCountry: 'GAB', destinationCountry: 'CMR', amount: 70_000 },
  { sourceCountry: 'KEN', destinationCountry: 'RWA', amount: 1_200.5 },
  { sourceCountry: 'ZMB', destinationCountry: 'KEN', amount: 333.33 },
];

/** Enough for each order alone and never for two: what one is sent with, another must not count on. */
const scarce = { CMR: 120_000, GAB: 71_000, KEN: 1_500, ZMB: 400 };

/** What became of one life. */
export interface LifeStory {
  steps: number;
  counts: Readonly<Record<string, number>>;
  /** What happened, a line each: the same for the same seed. */
  told: readonly string[];
}

/**
 * One life of the system, all of it out of one seed: transfers are ordered, hints come twice, late or never,
 * processes die and freeze, answers get lost or come late; then things calm down and everything must come to its end.
 *
 * @throws an Error with what was broken, and how it came to that.
 */
export async function live(universe: Universe, seed: number): Promise<LifeStory> {
  await universe.reset();
  const dice = createDice(seed);
  const tally = new Tally();
  const errors: string[] = [];
  const count = (what: string, times = 1) => tally.count(what, times);
  const workers = await startWorkers(universe, {
    // Little enough that the limit is felt in some lives, and more than enough in others.
    limit: dice.pick([8, 14, 40]) ?? 40,
    dice,
    count,
    onError: (error) => errors.push(error instanceof Error ? String(error.stack) : String(error)),
  });
  const laws = new Laws(universe, { ...workers, count });
  const life = new Life(universe, workers, dice, tally);
  const look = async () => assertUnbroken(life, [...errors, ...(await laws.broken())]);
  try {
    await life.open();
    for (let action = 0; action < ACTIONS; action++) {
      await life.happen(dice.weighted(happenings));
      await look();
    }
    await life.calmDown(look);
    await look();
    assertUnbroken(life, await laws.unfinished());
    for (const row of await life.rows()) tally.count(`transfers ${row.state}`);
    return { steps: life.steps, counts: tally.counts, told: life.story };
  } finally {
    await workers.close();
  }
}

function assertUnbroken(life: Life, broken: readonly string[]): void {
  if (broken.length > 0) throw new Error(`${broken.join('\n')}\n\n${life.story.slice(-60).join('\n')}`);
}

class Life {
  readonly story: string[] = [];
  steps = 0;
  /** The modelled queue: ids of transfers. */
  private hints: string[] = [];
  /** What was ordered, by transfer. */
  private readonly ordered = new Map<string, { name: string; body: object }>();
  private readonly people: People;
  private outageUntilMs = 0;
  private readonly universe: Universe;
  private readonly workers: Workers;
  private readonly dice: Dice;
  private readonly tally: Tally;

  constructor(universe: Universe, workers: Workers, dice: Dice, tally: Tally) {
    this.universe = universe;
    this.workers = workers;
    this.dice = dice;
    this.tally = tally;
    this.people = new People(universe, dice, { tell: (what) => this.tell(what), count: (what) => tally.count(what) });
  }

  async open(): Promise<void> {
    const { control } = this.universe.simulator;
    for (const [country, balance] of Object.entries(scarce)) control.setBalance({ country, balance });
    control.setBalance({ country: 'COG', balance: 0 });
    control.setRate({ from: 'XAF', to: 'XOF', rate: 1 });
    for (let order = 0; order < ORDERS_AT_START; order++) {
      // Each in a moment of its own: rows of one moment come in the order of their ids, which are random.
      await this.universe.timeline.pass(1);
      await this.accept();
    }
  }

  rows(): Promise<TransferRow[]> {
    return this.universe.ledger.db.selectFrom('kpay.transfers').selectAll().orderBy('created_at').execute();
  }

  async happen(what: Happening): Promise<void> {
    const { timeline } = this.universe;
    // Nothing happens at the same moment as something else, so that before and after are never in doubt.
    await timeline.pass(1 + this.dice.below(200));
    switch (what) {
      case 'step': {
        const task = this.dice.pick(this.steppable());
        return task ? this.step(task, true) : this.deliver();
      }
      case 'deliver':
        return this.deliver();
      case 'sweep':
        return this.sweep();
      case 'wait':
        this.tell('time passes');
        return timeline.pass(this.dice.pick([1_000, 6_000, 20_000, 28_000, 34_000, 46_000, 130_000]) ?? 0);
      case 'accept':
        return this.accept();
      case 'acceptAgain':
        return this.acceptAgain();
      case 'pause':
        return this.people.pause();
      case 'lift':
        return this.people.liftPauses();
      case 'cancel':
        return this.people.cancel(this.dice.pick(await this.rows()));
      case 'resolve':
        return this.people.resolveReviews(await this.rows(), 0.6);
      case 'replay': {
        const transfer = await this.people.replay(this.dice.pick(await this.rows()), `again-${this.ordered.size + 1}`);
        return transfer && this.hint(transfer, {});
      }
      case 'deposit':
        return this.deposit();
      case 'rate':
        return this.universe.simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: this.dice.pick([0.9, 1, 1.1]) ?? 1 });
      case 'outage':
        this.outageUntilMs = timeline.nowMs() + 60_000 + this.dice.below(300_000);
        this.tally.count('outages');
        return this.tell('KPay is away');
      default:
        return this.disturb(what);
    }
  }

  /** What befalls processes, stores and keys. */
  private async disturb(
    what: 'crash' | 'freeze' | 'wipe' | 'revokeTokens' | 'rotateKeys' | 'restart' | 'misconfigure',
  ): Promise<void> {
    const worker = this.dice.pick(this.workers.names());
    if (what !== 'restart' && what !== 'wipe' && worker === undefined) return;
    this.tally.count(what);
    this.tell(`${what} ${worker ?? ''}`);
    switch (what) {
      case 'crash':
        return this.workers.crash(worker ?? '');
      case 'freeze':
        return this.universe.timeline.freeze(worker ?? '', this.universe.timeline.nowMs() + 20_000 + this.dice.below(70_000));
      case 'wipe':
        this.hints = [];
        return this.workers.wipeStores();
      case 'revokeTokens':
        return this.universe.simulator.control.revokeTokens();
      case 'rotateKeys':
        return this.workers.rotateKeys(this.dice.pick(['secret', 'both', 'reused'] as const) ?? 'secret');
      case 'restart':
        return this.workers.restart();
      case 'misconfigure':
        return this.workers.misconfigure(worker ?? '');
    }
  }

  /** No more mischief: everything must end, by the sweep and by people who look at KPay. */
  async calmDown(look: () => Promise<void>): Promise<void> {
    const { timeline, simulator } = this.universe;
    this.tell('things calm down');
    this.outageUntilMs = 0;
    await timeline.pass(130_000);
    await this.workers.restart();
    await this.people.liftPauses();
    simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 2 });
    for (let round = 0; round < MOST_ROUNDS; round++) {
      await timeline.pass(1);
      await this.drain(look);
      await this.people.resolveReviews(await this.rows(), 0);
      const open = (await this.rows()).filter((row) => !isFinal(row.state));
      if (open.length === 0) return;
      const due = open.map((row) => row.due_at?.getTime() ?? Number.POSITIVE_INFINITY);
      const nextMs = Math.min(...due, timeline.nextMs() ?? Number.POSITIVE_INFINITY);
      if (nextMs === Number.POSITIVE_INFINITY && open.every((row) => row.state !== 'review')) return;
      await timeline.pass(Math.max(0, Math.min(nextMs - timeline.nowMs(), 3_600_000)));
      if (open.some((row) => row.reason_code === 'insufficient_funds')) this.deposit();
      await this.sweep();
      for (const id of new Set(this.hints.splice(0))) await this.start(id);
    }
  }

  private async drain(look: () => Promise<void>): Promise<void> {
    for (let task = this.steppable()[0]; task; task = this.steppable()[0]) {
      await this.universe.timeline.pass(1);
      await this.step(task, false);
      await look();
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
    const fault = !mischief ? undefined : isSend ? faultOfSend(this.dice, row, outage) : faultOfRead(this.dice);
    if (fault) simulator.control.addFault({ match: isSend ? { endpoint: 'transfer' } : {}, times: 1, fault });
    this.tell(`${task.owner} ${before} of ${this.nameOf(task.about)}${fault ? ` ${JSON.stringify(fault)}` : ''}`);
    await tasks.step(waiting);
    simulator.control.clearFaults();
    if (task.parked && isSend) this.tally.count('calls that KPay takes its time for');
    if (task.parked && !isSend) await this.endRead(task.owner);
    // The limit of law 5: a refusal that burns the id, and is never written down because the process dies right then,
    // looks like a success for ever. No rule can tell them apart, so this one answer is always committed here.
    const settling = fault?.kind === 'burn_id' ? tasks.waiting().find((next) => next.task === task) : undefined;
    if (settling) await tasks.step(settling);
  }

  /** A read that KPay does not answer: the client gives it up, or its process dies in the middle of it. */
  private async endRead(worker: string): Promise<void> {
    if (this.dice.chance(0.5)) {
      this.tally.count('reads that time out');
      return this.universe.timeline.pass(20_000);
    }
    this.tally.count('deaths in the middle of a read');
    this.tell(`${worker} dies in the middle of a read`);
    await this.workers.crash(worker);
  }

  /** A hint comes: not always the first one, and sometimes once more later. */
  private async deliver(): Promise<void> {
    const id = this.dice.pick(this.hints);
    if (id === undefined) return this.sweep();
    if (!this.dice.chance(0.3)) this.hints.splice(this.hints.indexOf(id), 1);
    await this.start(id);
  }

  private async start(id: string): Promise<void> {
    const worker = this.dice.pick(this.workers.names());
    if (worker !== undefined) await this.workers.advance(worker, id);
  }

  private async sweep(): Promise<void> {
    await this.universe.ledger.transaction((tx) => tendBreaker(tx, 'default'));
    const now = this.universe.timeline.nowMs();
    const due = (await this.rows()).filter((row) => row.due_at !== null && row.due_at.getTime() <= now);
    this.hints.push(...due.map((row) => row.id));
  }

  private async accept(): Promise<void> {
    const { ledger, timeline } = this.universe;
    const body = {
      ...this.dice.pick(orders),
      externalId: `order-${this.ordered.size + 1}`,
      onInsufficientFunds: this.dice.chance(0.15) ? 'fail' : 'hold',
      ...(this.dice.chance(0.2) && { expiresAt: new Date(timeline.nowMs() + 60_000 + this.dice.below(300_000)).toISOString() }),
    };
    const minRate = body.destinationCountry === 'SEN' && this.dice.chance(0.4) ? { minRate: '1' } : {};
    const asked = { ...body, ...minRate };
    const { transfer } = await acceptTransfer(ledger, new Set(['default']), { account: 'default', owner: 'admin', body: asked });
    this.hint(transfer, asked);
    this.tell(`accept ${transfer.external_id} ${transfer.amount_minor} ${transfer.currency}`);
  }

  /** Some hints are lost on their way, some come twice; the sweep finds the row. */
  private hint(transfer: TransferRow, body: object): void {
    this.ordered.set(transfer.id, { name: transfer.external_id ?? transfer.id, body });
    if (this.dice.chance(0.8)) this.hints.push(transfer.id);
    if (this.dice.chance(0.3)) this.hints.push(transfer.id);
  }

  /** A caller who heard nothing asks once more: the answer is the transfer that is there. */
  private async acceptAgain(): Promise<void> {
    const [id, { body }] = this.dice.pick([...this.ordered].filter(([, order]) => 'externalId' in order.body)) ?? [
      '',
      { body: {} },
    ];
    if (id === '') return;
    const order = { account: 'default', owner: 'admin', body };
    const again = await acceptTransfer(this.universe.ledger, new Set(['default']), order);
    if (!again.replayed || again.transfer.id !== id) throw new Error(`the order of ${this.nameOf(id)} was accepted twice`);
    this.tally.count('orders repeated');
  }

  private deposit(): void {
    const { control } = this.universe.simulator;
    const wallets = control.truth({ requests: 0, transfers: 0 }).wallets.filter((each) => each.applicationId === ours);
    for (const [country, amount] of Object.entries(scarce)) {
      const wallet = wallets.find((each) => each.country === country);
      control.setBalance({
        country,
        balance: (Number(wallet?.balance) + amount).toFixed(wallet?.balance.split('.')[1]?.length ?? 0),
      });
    }
    this.tell('deposit');
  }

  private nameOf(id: string | undefined): string {
    return this.ordered.get(id ?? '')?.name ?? 'nothing';
  }

  private tell(what: string): void {
    this.story.push(`${((this.universe.timeline.nowMs() - Date.UTC(2026, 0, 1)) / 1_000).toFixed(3)}s ${what}`);
  }
}
