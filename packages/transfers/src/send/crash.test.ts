import type { KpayAccount, TransferPermit } from '@kpay/core';
import { eventually } from '@kpay/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { advanceTransfer, type TransferEngine } from '../faces/worker.ts';
import type { Ledger } from '../index.ts';
import { LEASE_MS } from './begin.ts';
import { expireAttempt } from './settle.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;

/** Where the process dies: before or after which of the steps of a send. */
interface Crash {
  step: string;
  when: 'before' | 'after';
}

/**
 * A worker whose process dies at one point: from there on none of its awaits ever comes back, which is all that the
 * rest of the world sees of a dead process. An open transaction is rolled back, as Postgres does.
 */
function dying(engine: TransferEngine, crash: Crash): { engine: TransferEngine; died: Promise<void>; steps: string[] } {
  const steps: string[] = [];
  const death = Promise.withResolvers<void>();
  const gone = () => {
    death.resolve();
    return new Promise<never>(() => undefined);
  };
  async function at<T>(name: string, run: () => Promise<T>): Promise<T> {
    const step = `${name} ${steps.filter((earlier) => earlier.startsWith(name)).length + 1}`;
    steps.push(step);
    if (step === crash.step && crash.when === 'before') return gone();
    // Dead after a step means that the process never sees the step's result.
    const [settled] = await Promise.allSettled([run()]);
    if (step === crash.step && crash.when === 'after') return gone();
    if (settled.status === 'rejected') throw settled.reason;
    return settled.value;
  }
  const ledger: Ledger = {
    db: engine.ledger.db,
    transaction: (work) => at('transaction', () => engine.ledger.transaction(work)),
    statement: (run) => at('statement', () => engine.ledger.statement(run)),
    batchDelay: () => engine.ledger.batchDelay(),
  };
  const { account } = engine;
  const client = new Proxy(account.client, {
    get(target, key) {
      if (key !== 'prepareTransfer') return Reflect.get(target, key);
      return async (...args: Parameters<typeof target.prepareTransfer>) => {
        const permit = await at('prepare', () => target.prepareTransfer(...args));
        const send: TransferPermit['send'] = (...sent) => at('send', () => permit.send(...sent));
        return { send, release: () => permit.release() };
      };
    },
  });
  const dyingAccount: KpayAccount = { ...account, client };
  return { engine: { ...engine, ledger, account: dyingAccount }, died: death.promise, steps };
}

/** Every step that a first send takes, in order, found by taking them. */
const steps = ['statement 1', 'prepare 1', 'transaction 1', 'send 1', 'statement 2'];
/** The steps of a re-send that KPay answers with a conflict, which takes the slow path into the ledger. */
const resendSteps = [...steps.slice(0, -1), 'transaction 2'];
const crashesAt = (all: readonly string[]): Crash[] =>
  all.flatMap((step): Crash[] => [
    { step, when: 'before' },
    { step, when: 'after' },
  ]);

describe('a process that dies in the middle of a send', () => {
  it('has these steps to die at', async () => {
    const { id } = await stage.accept();
    const worker = dying(await stage.engine(), { step: 'none', when: 'before' });
    await advanceTransfer(worker.engine, id, never);
    expect(worker.steps).toEqual(steps);
  });

  it.each(crashesAt(steps))('$when $step of a first send: one effect, and the transfer succeeds', async (crash) => {
    const accepted = await stage.accept();
    const worker = dying(await stage.engine(), crash);
    void advanceTransfer(worker.engine, accepted.id, never);
    await worker.died;
    const left = await stage.find(accepted.id);
    expect(left.possibly_sent).toBe(false);

    stage.ledger.passMs(LEASE_MS + 1);
    const settled = await stage.settle(accepted.id, await stage.engine());
    expect(settled.state).toBe('succeeded');
    expect(stage.effects(settled)).toBe(1);
  });

  it.each(crashesAt(resendSteps))('$when $step of a re-send: one effect, and the transfer succeeds', async (crash) => {
    const accepted = await stage.accept();
    stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'drop', when: 'after' } });
    const first = await stage.engine();
    await advanceTransfer(first, accepted.id, never);
    expect(await stage.find(accepted.id)).toMatchObject({ state: 'unconfirmed', possibly_sent: true });
    stage.ledger.passMs(10_000);

    const worker = dying(await stage.engine(), crash);
    void advanceTransfer(worker.engine, accepted.id, never);
    await worker.died;

    stage.ledger.passMs(LEASE_MS + 1);
    const settled = await stage.settle(accepted.id, await stage.engine());
    expect(settled).toMatchObject({ state: 'succeeded', confirmed_by: 'conflict' });
    expect(stage.effects(settled)).toBe(1);
  });

  it('a frozen process that answers after its lease: its 201 settles the transfer once', async () => {
    const accepted = await stage.accept();
    const engine = await stage.engine();
    stage.simulator.control.addFault({
      match: { endpoint: 'transfer' },
      times: 1,
      fault: { kind: 'delay', delayMs: 400, when: 'after' },
    });
    const slow = advanceTransfer(engine, accepted.id, never);
    await eventually(() => expect(stage.effects(accepted)).toBe(1));
    stage.ledger.passMs(LEASE_MS + 1);
    // Another worker finds the lease ended and sends again while the first call still waits for its answer.
    await advanceTransfer(await stage.engine(), accepted.id, never);
    expect(await stage.find(accepted.id)).toMatchObject({ state: 'unconfirmed', possibly_sent: true });
    await slow;
    expect(await stage.find(accepted.id)).toMatchObject({ state: 'succeeded', confirmed_by: 'answer' });
    expect(stage.effects(accepted)).toBe(1);
  });

  it('a send that was lost stays what the next step follows in a trace', async () => {
    const accepted = await stage.accept();
    const worker = dying(await stage.engine(), { step: 'send 1', when: 'before' });
    void advanceTransfer(worker.engine, accepted.id, never);
    await worker.died;
    const moved_trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await stage.ledger.db.updateTable('kpay.transfers').set({ moved_trace }).where('id', '=', accepted.id).execute();
    const sent = await stage.find(accepted.id);
    stage.ledger.passMs(LEASE_MS + 1);
    const context = { conflictConfirmMs: 60_000, random: Math.random };
    const found = await stage.ledger.transaction((tx) => expireAttempt(tx, sent, context));
    expect(found?.transfer).toMatchObject({ state: 'unconfirmed', moved_trace });
  });

  it("nobody else touches a due row's attempt before its sender's lease ends", async () => {
    const accepted = await stage.accept();
    stage.simulator.control.addFault({
      match: { endpoint: 'transfer' },
      times: 1,
      fault: { kind: 'delay', delayMs: 300, when: 'after' },
    });
    const slow = advanceTransfer(await stage.engine(), accepted.id, never);
    await eventually(() => expect(stage.effects(accepted)).toBe(1));
    await stage.ledger.db
      .updateTable('kpay.transfers')
      .set({ due_at: stage.ledger.now() })
      .where('id', '=', accepted.id)
      .execute();
    expect(await advanceTransfer(await stage.engine(), accepted.id, never)).toBeUndefined();
    await slow;
    expect(await stage.find(accepted.id)).toMatchObject({ state: 'succeeded', attempts: 1, possibly_sent: false });
  });

  it('two workers at once: one send', async () => {
    const accepted = await stage.accept();
    const workers = await Promise.all([stage.engine(), stage.engine(), stage.engine()]);
    await Promise.all(workers.map((worker) => advanceTransfer(worker, accepted.id, never)));
    expect(await stage.find(accepted.id)).toMatchObject({ state: 'succeeded', attempts: 1 });
    expect(stage.effects(accepted)).toBe(1);
  });
});
