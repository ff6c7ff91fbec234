import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, order, type Stage } from '../../test/stage.ts';
import { finishRestore, resolveReview } from '../faces/operations.ts';
import {
  type AccountRules,
  advanceTransfer,
  checksOf,
  noRules,
  readAccountRules,
  type TransferEngine,
  wakeByRules,
  wakePayable,
} from '../faces/worker.ts';
import { acceptTransfer, type TransferRow } from '../index.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const HOUR_MS = 60 * 60_000;

const advancerWith = (rules: AccountRules): Promise<TransferEngine> =>
  stage.engine({ checks: checksOf(rules, []), limits: rules.spendLimits });

function limits(...spendLimits: { amount: number; hours: number; corridor?: string }[]): AccountRules {
  const settings = { name: 'default', spendLimits: spendLimits.map((limit) => ({ currency: 'XAF', ...limit })) };
  return readAccountRules([settings]).get('default') ?? noRules;
}

const accept = (externalId: string, body: Record<string, unknown> = {}) => stage.accept({ externalId, ...body });
const wake = (rules: AccountRules) => wakeByRules(stage.ledger, 'default', rules);

async function advance(engine: TransferEngine, { id }: TransferRow): Promise<TransferRow> {
  await advanceTransfer(engine, id, never);
  return stage.find(id);
}

describe('destination payouts', () => {
  const rules = { ...noRules, checkDestinationPayouts: true };
  const set = (provider: string, status: string) =>
    stage.simulator.control.setAvailability({ country: 'SEN', provider, operationType: 'PAYOUT', status });

  it('wait while no operator of the destination pays out, until one does', async () => {
    const engine = await advancerWith(rules);
    set('ORANGE_SEN', 'CLOSED');
    set('FREE_SEN', 'DELAYED');
    const held = await advance(engine, await accept('closed'));
    expect(held).toMatchObject({ state: 'holding', reason_code: 'destination_payouts_unavailable' });
    expect(held.reason).toMatch(/^waiting for payouts in SEN: KPay shows no operator operational \(.*ORANGE_SEN CLOSED.*\)$/);
    expect(await wakePayable(stage.ledger, engine.account, rules)).toBe(0);
    expect((await stage.find(held.id)).due_at).toEqual(held.hold_until);

    set('FREE_SEN', 'OPERATIONAL');
    await engine.account.observations.availability({ lane: 'metrics', maxAgeMs: 0 });
    expect(await wakePayable(stage.ledger, engine.account, rules)).toBe(1);
    expect(await advance(engine, held)).toMatchObject({ state: 'succeeded' });
  });

  it('are read once for many that wait', async () => {
    const engine = await advancerWith(rules);
    set('ORANGE_SEN', 'CLOSED');
    set('FREE_SEN', 'CLOSED');
    for (let number = 0; number < 5; number++) await advance(engine, await accept(`waits-${number}`));
    await wakePayable(stage.ledger, engine.account, rules);
    expect(stage.simulator.control.truth().requestCounts.byEndpoint.availability).toBe(1);
  });

  it('in a status that nobody knows are not taken for closed', async () => {
    set('ORANGE_SEN', 'CLOSED');
    set('FREE_SEN', 'LIMPING');
    expect(await advance(await advancerWith(rules), await accept('unknown'))).toMatchObject({ state: 'succeeded' });
  });

  it('are not looked at unless somebody asked for it, and what waited then goes on', async () => {
    set('ORANGE_SEN', 'CLOSED');
    set('FREE_SEN', 'CLOSED');
    const held = await advance(await advancerWith(rules), await accept('was-held'));
    const engine = await advancerWith(noRules);
    expect(await advance(engine, await accept('off'))).toMatchObject({ state: 'succeeded' });
    expect(await wakePayable(stage.ledger, engine.account, noRules)).toBe(1);
    expect(await advance(engine, held)).toMatchObject({ state: 'succeeded' });
  });
});

describe('the sending hours', () => {
  it('hold what comes outside of them until they begin, or until they are changed', async () => {
    const { weekday, hour } = hoursFromNow(2);
    const rules: AccountRules = {
      ...noRules,
      sendWindow: { timeZone: 'UTC', days: [weekday], from: `${hour}:00`, to: `${hour}:30` },
    };
    const engine = await advancerWith(rules);
    const held = await advance(engine, await accept('at-night'));
    expect(held).toMatchObject({ state: 'holding', reason_code: 'outside_send_window' });
    expect(held.reason).toBe(
      `outside the sending hours (${weekday} ${hour}:00 to ${hour}:30 in UTC), which begin again at ${held.hold_until?.toISOString()}`,
    );
    expect(held.due_at).toEqual(held.hold_until);
    expect(await wake(rules)).toBe(0);
    expect(await advance(engine, held)).toMatchObject({ state: 'holding' });

    expect(await wake(noRules)).toBe(1);
    stage.ledger.passMs((held.hold_until?.getTime() ?? 0) - stage.ledger.now().getTime() + 1);
    expect(await advance(engine, held)).toMatchObject({ state: 'succeeded' });
  });
});

describe('a spend limit', () => {
  const unknownOutcome = () =>
    stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'drop', when: 'before' } });

  it('holds what would pass it until enough has left the stretch', async () => {
    const engine = await advancerWith(limits({ amount: 250_000, hours: 24 }));
    const first = await advance(engine, await accept('one'));
    stage.ledger.passMs(HOUR_MS);
    await advance(engine, await accept('two'));
    const held = await advance(engine, await accept('three'));
    expect(held).toMatchObject({
      state: 'holding',
      reason_code: 'spend_limit',
      reason: 'waiting for the limit of 250000 XAF in 24 hours: 200000 XAF is sent already, 100000 is to be sent',
      hold_until: new Date((first.sent_at?.getTime() ?? 0) + 24 * HOUR_MS),
    });
    stage.ledger.passMs((held.hold_until?.getTime() ?? 0) - stage.ledger.now().getTime());
    expect(await advance(engine, held)).toMatchObject({ state: 'succeeded' });
  });

  it('is never passed by several workers at once', async () => {
    const rules = limits({ amount: 450_000, hours: 1 });
    const workers = await Promise.all([advancerWith(rules), advancerWith(rules)]);
    const rows: TransferRow[] = [];
    for (let number = 0; number < 10; number++) rows.push(await accept(`at-once-${number}`));
    await Promise.all(rows.map((row, number) => advanceTransfer(workers[number % 2] ?? workers[0], row.id, never)));
    const states = (await Promise.all(rows.map(({ id }) => stage.find(id)))).map(({ state }) => state);
    expect(states.filter((state) => state === 'succeeded')).toHaveLength(4);
    expect(states.filter((state) => state === 'holding')).toHaveLength(6);
    expect(stage.simulator.control.truth().transferCount).toBe(4);
  });

  it('of a corridor leaves the others alone', async () => {
    const engine = await advancerWith(limits({ amount: 100_000, hours: 1, corridor: 'CMR-SEN' }));
    await advance(engine, await accept('full'));
    expect(await advance(engine, await accept('same'))).toMatchObject({ state: 'holding' });
    expect(await advance(engine, await accept('other', { destinationCountry: 'CIV' }))).toMatchObject({ state: 'succeeded' });
  });

  it('counts what may have been sent, until it turns out to have moved no money', async () => {
    const rules = limits({ amount: 150_000, hours: 48 });
    const engine = await advancerWith(rules);
    unknownOutcome();
    const unknown = await advance(engine, await accept('unknown'));
    expect(unknown.state).toBe('unconfirmed');
    const held = await advance(engine, await accept('waits'));
    expect(held).toMatchObject({ state: 'holding', reason_code: 'spend_limit' });

    // A day later it is in review, and it may still have moved the money.
    stage.ledger.passMs(25 * HOUR_MS);
    expect((await advance(engine, unknown)).state).toBe('review');
    expect(await wake(rules)).toBe(0);
    await resolveReview(stage.ledger, stage.epochWitness, unknown.id, {
      verdict: 'not_happened',
      by: 'a person',
      reason: 'asked KPay',
    });
    expect(await wake(rules)).toBe(1);
    expect(await advance(engine, held)).toMatchObject({ state: 'succeeded' });
  });

  it('counts a transfer that moved after all, by a receipt after a person settled it', async () => {
    const engine = await advancerWith(limits({ amount: 150_000, hours: 48 }));
    unknownOutcome();
    const unknown = await advance(engine, await accept('unknown'));
    stage.ledger.passMs(25 * HOUR_MS);
    await advance(engine, unknown);
    const verdict = { verdict: 'not_happened', by: 'a person', reason: 'asked KPay' } as const;
    await resolveReview(stage.ledger, stage.epochWitness, unknown.id, verdict);
    const receipt = { kpay_transfer_id: 'late' };
    await stage.ledger.db.updateTable('kpay.transfers').set(receipt).where('id', '=', unknown.id).execute();
    expect(await advance(engine, await accept('waits'))).toMatchObject({ state: 'holding', reason_code: 'spend_limit' });
  });

  it('counts what will be sent again by itself, however long ago it was sent', async () => {
    const engine = await advancerWith(limits({ amount: 150_000, hours: 1 }));
    unknownOutcome();
    const unknown = await advance(engine, await accept('unknown'));
    // During a pause, or an outage of ours, nothing was sent again.
    stage.ledger.passMs(2 * HOUR_MS);
    const held = await advance(engine, await accept('waits'));
    expect(held).toMatchObject({ state: 'holding', reason_code: 'spend_limit' });
    expect(held.hold_until?.getTime()).toBeGreaterThan(stage.ledger.now().getTime());
    expect(await advance(engine, unknown)).toMatchObject({ state: 'succeeded' });
    stage.ledger.passMs(HOUR_MS);
    expect(await advance(engine, held)).toMatchObject({ state: 'succeeded' });
  });

  it('counts what a restored ledger cannot know to be unsent', async () => {
    await accept('in-the-backup');
    await finishRestore(stage.ledger, stage.epochWitness, { by: 'a person', unseen: true });
    const engine = await advancerWith(limits({ amount: 150_000, hours: 24 }));
    expect(await advance(engine, await accept('after'))).toMatchObject({ state: 'holding', reason_code: 'spend_limit' });
  });

  it('lets those go that fit, the most urgent first, and none that do not', async () => {
    const full = limits({ amount: 100_000, hours: 1 });
    const engine = await advancerWith(full);
    await advance(engine, await accept('full'));
    const small = await advance(engine, await accept('small', { amount: 50_000 }));
    const urgent = await advance(engine, await accept('urgent', { priority: 9 }));
    expect([small.state, urgent.state]).toEqual(['holding', 'holding']);
    expect(await wake(limits({ amount: 180_000, hours: 1 }))).toBe(1);
    expect((await stage.find(urgent.id)).due_at).toEqual(urgent.due_at);
    expect(await wake(limits({ amount: 200_000, hours: 1 }))).toBe(1);
  });

  it('that a transfer passes alone refuses it at the door, naming the field', async () => {
    const rules = new Map([['default', limits({ amount: 60_000, hours: 24, corridor: 'CMR-SEN' })]]);
    const ask = (body: object) =>
      acceptTransfer(
        stage.ledger,
        new Set(['default']),
        { account: 'default', owner: 'admin', body: { ...order, ...body } },
        rules,
      );
    await expect(ask({})).rejects.toMatchObject({
      name: 'InvalidRequest',
      field: 'amount',
      message: "amount: must be within the account's limit of 60000 XAF in 24 hours on CMR-SEN",
    });
    expect((await ask({ externalId: 'elsewhere', destinationCountry: 'CIV' })).transfer.state).toBe('queued');
    const before = await stage.accept();
    expect(await ask({})).toMatchObject({ replayed: true, transfer: { id: before.id } });
  });

  it.each([
    ['CMR-GBA', 'must be one of'],
    ['GAB-GAB', 'cannot send to itself'],
    ['SEN-GAB', 'no XAF can use: SEN holds XOF'],
  ])('is refused for %s, a corridor that it would limit nothing of', (corridor, why) => {
    const settings = { name: 'default', spendLimits: [{ currency: 'XAF', amount: '500', hours: 1, corridor }] };
    expect(() => readAccountRules([settings])).toThrow(/^account default: spendLimits\[0\]\.corridor is a corridor that no /);
    expect(() => readAccountRules([settings])).toThrow(why);
  });

  it('is refused when its amount cannot be of its currency', () => {
    const settings = { name: 'default', spendLimits: [{ currency: 'XAF', amount: '0.5', hours: 1 }] };
    expect(() => readAccountRules([settings])).toThrow(
      'account default: spendLimits[0].amount must be a whole number of XAF (of KPAY_SPEND_LIMITS or the accounts file)',
    );
  });
});

/** A whole hour that is not now, by the ledger's clock in UTC. */
function hoursFromNow(hours: number) {
  const then = new Date(stage.ledger.now().getTime() + hours * HOUR_MS);
  const weekday = (['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const)[then.getUTCDay()] ?? 'mon';
  return { weekday, hour: String(then.getUTCHours()).padStart(2, '0') };
}
