import { systemClock } from '@kpay/core';
import type { FaultRule } from '@kpay/simulator';
import { eventually } from '@kpay/testkit';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import type { Check } from '../checks/check.ts';
import { cancelTransfer, replayTransfer, resolveReview } from '../faces/operations.ts';
import { advanceTransfer, type TransferEngine } from '../faces/worker.ts';
import { listTransferEvents, presentTransfer, type TransferRow } from '../index.ts';
import { LEASE_MS } from './begin.ts';

// The outcome table once more, through the real client against a KPay that misbehaves. outcome.test.ts has the pure
// table.

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;

function fault(fault: FaultRule['fault'], times = 1): void {
  stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times, fault });
}

/** A KPay that answers one send like a row of the table. */
const misbehaviours: Record<string, () => void> = {
  '400': () => fault({ kind: 'status', status: 400 }),
  '403': () => fault({ kind: 'status', status: 403 }),
  '404': () => fault({ kind: 'status', status: 404 }),
  '401': () => fault({ kind: 'unauthorized' }),
  '422': () => fault({ kind: 'status', status: 422 }),
  '429': () => fault({ kind: 'rate_limit', retryAfterSeconds: 1 }),
  '500 before applying': () => fault({ kind: 'status', status: 500, when: 'before' }),
  '503 after applying': () => fault({ kind: 'status', status: 503, when: 'after' }),
  '502 as a page': () => fault({ kind: 'html', status: 502, when: 'before' }),
  '504 as a page after applying': () => fault({ kind: 'html', status: 504, when: 'after' }),
  'dropped before applying': () => fault({ kind: 'drop', when: 'before' }),
  'dropped after applying': () => fault({ kind: 'drop', when: 'after' }),
  'reset after applying': () => fault({ kind: 'drop', when: 'after', reset: true }),
  'truncated 201': () => fault({ kind: 'truncate' }),
  'unreadable 201': () => fault({ kind: 'html', status: 201, when: 'after' }),
  'another status': () => fault({ kind: 'status', status: 418 }),
  'a proxy’s 404 page': () => fault({ kind: 'html', status: 404 }),
  'a proxy’s 403 after applying': () => fault({ kind: 'html', status: 403, when: 'after' }),
  'a gateway’s own 400': () => fault({ kind: 'answer', status: 400, body: '{"message":"blocked"}' }),
  'the receipt of another transfer': () => fault({ kind: 'answer', status: 201, body: '{"id":"x9","externalId":"another"}' }),
};

const unknowns = [
  '500 before applying',
  '503 after applying',
  '502 as a page',
  '504 as a page after applying',
  'dropped before applying',
  'dropped after applying',
  'reset after applying',
  'truncated 201',
  'unreadable 201',
  'another status',
  'a proxy’s 404 page',
  'a proxy’s 403 after applying',
  'a gateway’s own 400',
  'the receipt of another transfer',
];

async function sent(engine: TransferEngine, body: Record<string, unknown> = {}): Promise<TransferRow> {
  const { id } = await stage.accept(body);
  await advanceTransfer(engine, id, never);
  return stage.find(id);
}

/** A transfer that was sent once without a definite answer, due for its re-send. Nothing was applied. */
async function unconfirmed(engine: TransferEngine): Promise<TransferRow> {
  fault({ kind: 'drop', when: 'before' });
  const row = await sent(engine);
  expect(row).toMatchObject({ state: 'unconfirmed', possibly_sent: true });
  stage.ledger.passMs(10_000);
  return row;
}

describe('the first answer to a transfer', () => {
  it('201: succeeded with its receipt', async () => {
    const row = await sent(await stage.engine());
    expect(row).toMatchObject({
      state: 'succeeded',
      confirmed_by: 'answer',
      exchange_rate: '1.0153',
      destination_amount_minor: '101530',
      attempts: 1,
    });
    expect(stage.effects(row)).toBe(1);
  });

  it('409: review, because somebody else holds the id', async () => {
    const engine = await stage.engine();
    const { id, kpay_external_id } = await stage.accept();
    const permit = await engine.account.client.prepareTransfer({ lane: 'money' });
    const { pin } = engine;
    const body = {
      applicationId: pin.applicationId,
      sourceCountry: 'CMR',
      destinationCountry: 'GAB',
      amount: 500,
      externalId: kpay_external_id,
    };
    await permit.send(JSON.stringify(body), { leaseExpiresAtMs: Number.POSITIVE_INFINITY });
    await advanceTransfer(engine, id, never);
    expect(await stage.find(id)).toMatchObject({ state: 'review', reason_code: 'collision' });
    expect(stage.alarms).toEqual([]);
  });

  it.each([
    ['400', 'failed', 'kpay_400'],
    ['403', 'failed', 'kpay_403'],
    ['404', 'failed', 'kpay_404'],
    ['422', 'holding', 'insufficient_funds'],
    ['401', 'queued', null],
    ['429', 'queued', null],
  ])('%s: %s', async (answer, state, reasonCode) => {
    misbehaviours[answer]?.();
    const row = await sent(await stage.engine());
    expect(row).toMatchObject({ state, reason_code: reasonCode, possibly_sent: false });
    expect(stage.effects(row)).toBe(0);
  });

  it('422: failed when the transfer asked for that', async () => {
    misbehaviours['422']?.();
    expect(await sent(await stage.engine(), { onInsufficientFunds: 'fail' })).toMatchObject({ state: 'failed' });
  });

  it('401: one new token, then it is sent; 401 twice: held, with an alarm', async () => {
    const engine = await stage.engine();
    misbehaviours['401']?.();
    const once = await sent(engine);
    expect(await stage.settle(once.id, engine)).toMatchObject({ state: 'succeeded', attempts: 2 });

    fault({ kind: 'unauthorized' }, 2);
    const twice = await sent(engine, { externalId: 'order-2' });
    expect(await stage.settle(twice.id, engine)).toMatchObject({ state: 'holding', reason_code: 'unauthorized' });
    expect(stage.alarms).toHaveLength(1);
  });

  it('429: nobody of the account sends before Retry-After', async () => {
    const engine = await stage.engine();
    misbehaviours['429']?.();
    // Before the answer, because on a busy machine a part of its second has passed at the commit.
    const startedMs = performance.now();
    const row = await sent(engine);
    stage.ledger.passMs(2_000);
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'succeeded' });
    expect(performance.now() - startedMs).toBeGreaterThan(900);
  });

  it('never connected: queued again, nothing was sent', async () => {
    const own = await openStage();
    const engine = await own.engine();
    const { id } = await own.accept();
    const permit = await engine.account.client.prepareTransfer({ lane: 'money' });
    await engine.account.observations.balance({ lane: 'checks' });
    await own.simulator.close();
    // Until the client has noticed, because a request written into a dead connection counts as sent.
    await eventually(() =>
      expect(engine.account.client.me({ lane: 'people' })).rejects.toMatchObject({ reason: 'not_connected' }),
    );
    const client = new Proxy(engine.account.client, {
      get: (target, key) => (key === 'prepareTransfer' ? () => Promise.resolve(permit) : Reflect.get(target, key)),
    });
    await advanceTransfer({ ...engine, account: { ...engine.account, client } }, id, never);
    const row = await own.find(id);
    expect(row).toMatchObject({ state: 'queued', possibly_sent: false, attempts: 1 });
    expect(row.due_at?.getTime()).toBeGreaterThan(own.ledger.now().getTime());
    await own.close();
  });

  it.each(unknowns)('%s: unconfirmed, then sent again under the same id: one effect', async (answer) => {
    const engine = await stage.engine();
    misbehaviours[answer]?.();
    const row = await sent(engine);
    expect(row).toMatchObject({ state: 'unconfirmed', possibly_sent: true, reason_code: 'outcome_unknown' });
    const settled = await stage.settle(row.id, engine);
    expect(settled.state).toBe('succeeded');
    expect(settled.send_body).toBe(row.send_body);
    expect(stage.effects(settled)).toBe(1);
  });

  it.each(['FAILED', 'PENDING', 'SOMETHING_NEW'])('201 that says %s: review, never sent again by itself', async (status) => {
    const engine = await stage.engine();
    fault({ kind: 'answer', status: 201, body: JSON.stringify({ id: 'x1', status }) });
    const row = await sent(engine);
    expect(row).toMatchObject({ state: 'review', reason_code: 'not_completed', possibly_sent: true, due_at: null });
    expect(row.reason).toContain(status);
    stage.ledger.passMs(10 * 60_000);
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'review', attempts: 1 });
    expect(stage.alarms).toHaveLength(1);
  });

  it('422 of a burnt id with unstorable text: held, and no conflict ever confirms it', async () => {
    const engine = await stage.engine();
    fault({ kind: 'burn_id', message: `no\u0000money${'\ud800'}${'x'.repeat(100_000)}` });
    const row = await sent(engine);
    expect(row).toMatchObject({ state: 'holding', reason_code: 'insufficient_funds', refused_before: true });
    stage.ledger.passMs(10 * 60_000);
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'review' });
    expect(stage.effects(row)).toBe(0);
  });

  it('a 201 that comes after the re-send was refused settles the transfer all the same', async () => {
    const { row, late } = await refusedBeforeLateSuccess();
    await late;
    expect(await stage.find(row.id)).toMatchObject({ state: 'succeeded', confirmed_by: 'answer' });
    expect(stage.effects(row)).toBe(1);
  });

  it('a 201 that comes after a person said “it happened” leaves its receipt, once', async () => {
    const { row, late } = await refusedBeforeLateSuccess();
    const found = { by: 'ann', verdict: 'happened', reason: 'seen at KPay' } as const;
    expect(await resolveReview(stage.ledger, stage.epochWitness, row.id, found)).toMatchObject({ outcome: 'resolved' });
    expect(await stage.find(row.id)).toMatchObject({ state: 'succeeded', confirmed_by: 'person', receipt: null });
    await late;
    const settled = await stage.find(row.id);
    expect(settled).toMatchObject({ state: 'succeeded', confirmed_by: 'answer' });
    expect(settled.kpay_transfer_id).not.toBeNull();
    expect(settled.receipt).not.toBeNull();
    const events = await listTransferEvents(stage.ledger, row.id);
    expect(events.at(-1)).toMatchObject({ type: 'receipt_late', from_state: 'succeeded', to_state: 'succeeded' });
  });

  it('a 201 that comes after a person said “not happened”: alarm, money has moved', async () => {
    const { row, late } = await refusedBeforeLateSuccess();
    const found = { by: 'ann', verdict: 'not_happened', reason: 'not at KPay' } as const;
    expect(await resolveReview(stage.ledger, stage.epochWitness, row.id, found)).toMatchObject({ outcome: 'resolved' });
    stage.alarms.splice(0);
    await late;
    const settled = await stage.find(row.id);
    expect(settled.state).toBe('failed');
    expect(settled.kpay_transfer_id).not.toBeNull();
    expect(presentTransfer(settled).moneyMoved).toBe('yes');
    expect(stage.alarms).toEqual([expect.stringContaining('its money has moved')]);
    const events = await listTransferEvents(stage.ledger, row.id);
    expect(events.at(-1)).toMatchObject({ type: 'succeeded_late', to_state: 'failed' });
    const again = { owner: 'ann', externalId: 'again-after-late' };
    expect(await replayTransfer(stage.ledger, new Set(['default']), row.id, again)).toMatchObject({ kind: 'not_replayable' });
  });

  it('a 201 after its transfer was replayed cancels the unsent replays, in a line too', async () => {
    const { row, late } = await refusedBeforeLateSuccess();
    const found = { by: 'ann', verdict: 'not_happened', reason: 'not at KPay' } as const;
    await resolveReview(stage.ledger, stage.epochWitness, row.id, found);
    const first = await replayed(row.id, 'again-1');
    await cancelTransfer(stage.ledger, stage.epochWitness, first, { by: 'ann' });
    const second = await replayed(first, 'again-2');
    stage.alarms.splice(0);
    await late;
    expect(await stage.find(second)).toMatchObject({ state: 'cancelled', reason_code: 'succeeded_late', attempts: 0 });
    expect(stage.alarms).toEqual([expect.stringContaining(`its replay ${second} is cancelled, unsent`)]);
    await advanceTransfer(await stage.engine(), second, never);
    expect(stage.simulator.control.truth().transferCount).toBe(1);
  });

  it('a 201 after its replay was sent says so, and never sends the replay again', async () => {
    const { row, late } = await refusedBeforeLateSuccess();
    const found = { by: 'ann', verdict: 'not_happened', reason: 'not at KPay' } as const;
    await resolveReview(stage.ledger, stage.epochWitness, row.id, found);
    const again = await replayed(row.id, 'again');
    fault({ kind: 'status', status: 500, when: 'before' });
    await advanceTransfer(await stage.engine(), again, never);
    expect(await stage.find(again)).toMatchObject({ state: 'unconfirmed' });
    stage.alarms.splice(0);
    await late;
    expect(await stage.find(again)).toMatchObject({ state: 'review', reason_code: 'succeeded_late', due_at: null });
    expect(stage.alarms).toEqual([expect.stringContaining(`its replay ${again} is review, and the money may have moved twice`)]);
    expect(stage.effects(row)).toBe(1);
  });

  async function replayed(id: string, externalId: string): Promise<string> {
    const replay = await replayTransfer(stage.ledger, new Set(['default']), id, { owner: 'ann', externalId });
    if (replay?.kind !== 'accepted') throw new Error(`${id} was not replayed`);
    return replay.acceptance.transfer.id;
  }

  describe('that the ledger does not take', () => {
    afterEach(() => sql`drop trigger if exists refusing on kpay.attempts`.execute(stage.ledger.db));

    /** The ledger fails with this error whenever an attempt would end with this outcome. */
    async function failOn(outcome: string, code: string): Promise<void> {
      await sql`create or replace function kpay.refusing() returns trigger language plpgsql as $$
        begin raise exception 'not taken' using errcode = ${sql.lit(code)}; end $$`.execute(stage.ledger.db);
      await sql`create or replace trigger refusing before update on kpay.attempts for each row
        when (new.outcome = ${sql.lit(outcome)}) execute function kpay.refusing()`.execute(stage.ledger.db);
    }

    /** A worker whose waits take no time, but end the lease; \`waited\` is told of each. */
    async function hasty(waited: () => Promise<unknown> = async () => {}): Promise<TransferEngine> {
      let pastMs = 0;
      const clock = {
        ...systemClock,
        monotonicMs: () => systemClock.monotonicMs() + pastMs,
        sleep: async () => {
          pastMs += LEASE_MS;
          await waited();
        },
      };
      return { ...(await stage.engine()), clock };
    }

    it('for a reason nobody foresaw: review, told, and no conflict confirms it', async () => {
      await failOn('insufficient_funds', 'P0001');
      const engine = await hasty();
      fault({ kind: 'burn_id', message: 'no money' });
      const { id } = await stage.accept();
      await expect(advanceTransfer(engine, id, never)).rejects.toThrow('not taken');
      expect(await stage.find(id)).toMatchObject({ state: 'review', reason_code: 'answer_lost', refused_before: true });
      expect(stage.alarms).toHaveLength(1);
    });

    it('while it is away: written down when it is back, however late', async () => {
      await failOn('conflict', '57P03');
      let waits = 0;
      const engine = await hasty(async () => {
        waits += 1;
        if (waits === 3) await sql`drop trigger refusing on kpay.attempts`.execute(stage.ledger.db);
      });
      fault({ kind: 'status', status: 409 });
      const { id } = await stage.accept();
      expect(await advanceTransfer(engine, id, never)).toMatchObject({ state: 'review', reason_code: 'collision' });
      expect(waits).toBe(3);
    });
  });

  it('a late 201 of PENDING during a re-send: review when that is in doubt, no third', async () => {
    const { id } = await stage.accept();
    fault({ kind: 'answer', status: 201, body: '{"id":"x1","status":"PENDING"}', delayMs: 1_000 });
    fault({ kind: 'status', status: 503, delayMs: 2_000 });
    const late = advanceTransfer(await stage.engine(), id, never);
    await eventually(async () => expect(await stage.find(id)).toMatchObject({ state: 'submitting' }));
    stage.ledger.passMs(LEASE_MS + 1);
    const second = await stage.engine();
    await advanceTransfer(second, id, never);
    const again = advanceTransfer(second, id, never);
    await Promise.all([late, again]);
    expect(await stage.find(id)).toMatchObject({ state: 'review', reason_code: 'not_completed', attempts: 2, due_at: null });
    expect((await stage.find(id)).reason).toContain('PENDING');
  });

  it('a first 409 after the lease is a collision all the same: none later confirms', async () => {
    const { id } = await stage.accept();
    fault({ kind: 'status', status: 409, delayMs: 1_500 });
    fault({ kind: 'status', status: 409 }, 4);
    const late = advanceTransfer(await stage.engine(), id, never);
    await eventually(async () => expect(await stage.find(id)).toMatchObject({ state: 'submitting' }));
    stage.ledger.passMs(LEASE_MS + 1);
    await advanceTransfer(await stage.engine(), id, never);
    expect(await stage.find(id)).toMatchObject({ state: 'unconfirmed' });
    await late;
    expect(await stage.settle(id, await stage.engine())).toMatchObject({ state: 'review' });
    expect(stage.effects(await stage.find(id))).toBe(0);
  });

  /** The first sender hangs past its lease with a 201 on its way. The second sender is refused. */
  async function refusedBeforeLateSuccess(): Promise<{ row: TransferRow; late: Promise<unknown> }> {
    const { id } = await stage.accept();
    fault({ kind: 'delay', delayMs: 1_500, when: 'after' });
    const late = advanceTransfer(await stage.engine(), id, never);
    await eventually(() => expect(stage.simulator.control.truth().transferCount).toBe(1));
    stage.ledger.passMs(LEASE_MS + 1);
    fault({ kind: 'status', status: 403 });
    const row = await stage.settle(id, await stage.engine());
    expect(row).toMatchObject({ state: 'review', reason_code: 'refused_after_unknown' });
    return { row, late };
  }

  it('asks a check again before the send when its truth changed in the wait for a slot', async () => {
    const engine = await stage.engine();
    let open = true;
    const check: Check = {
      name: 'window',
      check: async (_transfer, { now }) =>
        open
          ? { verdict: 'pass' }
          : { verdict: 'hold', code: 'test/shut', reason: 'shut', until: new Date(now.getTime() + 60_000) },
    };
    const { client } = engine.account;
    const slow = new Proxy(client, {
      get(target, key) {
        if (key !== 'prepareTransfer') return Reflect.get(target, key);
        return async (...args: Parameters<typeof client.prepareTransfer>) => {
          open = false;
          clockMs += 4_000;
          return client.prepareTransfer(...args);
        };
      },
    });
    let clockMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + clockMs };
    const { id } = await stage.accept();
    await advanceTransfer({ ...engine, checks: [check], clock, account: { ...engine.account, client: slow } }, id, never);
    expect(await stage.find(id)).toMatchObject({ state: 'holding', reason_code: 'test/shut', attempts: 0 });
    expect(stage.simulator.control.truth().transferCount).toBe(0);
  });

  it.each(['a later check', 'the balance'])('a check is asked again when %s is waited for, too', async (what) => {
    const engine = await stage.engine();
    let open = true;
    let pastMs = 0;
    const wait = () => {
      open = false;
      pastMs += 4_000;
    };
    const window: Check = {
      name: 'window',
      check: async (_transfer, { now }) =>
        open
          ? { verdict: 'pass' }
          : { verdict: 'hold', code: 'test/shut', reason: 'shut', until: new Date(now.getTime() + 60_000) },
    };
    const later: Check = {
      name: 'later',
      async check() {
        if (what === 'a later check') wait();
        return { verdict: 'pass' };
      },
    };
    const { observations } = engine.account;
    const slow = {
      ...observations,
      async balance(...args: Parameters<typeof observations.balance>) {
        if (what === 'the balance') wait();
        return observations.balance(...args);
      },
    };
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + pastMs };
    const account = { ...engine.account, observations: slow };
    const { id } = await stage.accept();
    await advanceTransfer({ ...engine, checks: [window, later], clock, account }, id, never);
    expect(await stage.find(id)).toMatchObject({ state: 'holding', reason_code: 'test/shut', attempts: 0 });
    expect(stage.simulator.control.truth().transferCount).toBe(0);
  });

  it('asks a slow check twice at most for each balance read, and the transfer goes', async () => {
    let pastMs = 0;
    let asked = 0;
    const slow: Check = {
      name: 'slow',
      async check() {
        asked += 1;
        pastMs += 2_000;
        return { verdict: 'pass' };
      },
    };
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + pastMs };
    const { id } = await stage.accept();
    await advanceTransfer({ ...(await stage.engine()), checks: [slow], clock }, id, never);
    expect(await stage.find(id)).toMatchObject({ state: 'succeeded' });
    expect(asked).toBe(2);
  });

  it('an expired lease: unconfirmed, and the next one sends again', async () => {
    const engine = await stage.engine();
    const { id } = await stage.accept();
    fault({ kind: 'hang', when: 'after' });
    void advanceTransfer(engine, id, never);
    await eventually(() => expect(stage.simulator.control.truth().transferCount).toBe(1));
    stage.ledger.passMs(LEASE_MS + 1);
    const settled = await stage.settle(id, await stage.engine());
    expect(settled).toMatchObject({ state: 'succeeded', confirmed_by: 'conflict' });
    expect(stage.effects(settled)).toBe(1);
  });
});

describe('the answer to a re-send', () => {
  it('201: it had not happened, and now has', async () => {
    const engine = await stage.engine();
    const row = await unconfirmed(engine);
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'succeeded', confirmed_by: 'answer', attempts: 2 });
    expect(stage.effects(row)).toBe(1);
  });

  it('409: confirmed by a second one a minute later, without a receipt', async () => {
    const engine = await stage.engine();
    fault({ kind: 'drop', when: 'after' });
    const row = await sent(engine);
    const settled = await stage.settle(row.id, engine);
    expect(settled).toMatchObject({ state: 'succeeded', confirmed_by: 'conflict', kpay_transfer_id: null, attempts: 3 });
    const events = await listTransferEvents(stage.ledger, row.id);
    const seen = events.find(({ type }) => type === 'conflict_seen');
    const confirmed = events.find(({ type }) => type === 'confirmed_by_conflict');
    expect((confirmed?.at.getTime() ?? 0) - (seen?.at.getTime() ?? 0)).toBeGreaterThanOrEqual(60_000);
  });

  it('409 of a call that ran on and then failed: a send a minute later finds it free', async () => {
    const engine = await stage.engine();
    const row = await unconfirmed(engine);
    fault({ kind: 'status', status: 409 });
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'succeeded', confirmed_by: 'answer' });
    expect(stage.effects(row)).toBe(1);
  });

  it('409, then no answer, then 409: that call may hold the id, so 409s start again', async () => {
    const engine = await stage.engine();
    const row = await unconfirmed(engine);
    fault({ kind: 'status', status: 409 });
    fault({ kind: 'drop', when: 'before' });
    fault({ kind: 'status', status: 409 });
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'succeeded', confirmed_by: 'answer' });
    expect(stage.effects(row)).toBe(1);
  });

  it.each(['400', '403', '404', '422'])('%s: review, with an alarm', async (answer) => {
    const engine = await stage.engine();
    const row = await unconfirmed(engine);
    misbehaviours[answer]?.();
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'review', reason_code: 'refused_after_unknown' });
    expect(stage.alarms).toHaveLength(1);
  });

  it.each(['401', '429', ...unknowns])('%s: still unconfirmed, then one effect', async (answer) => {
    const engine = await stage.engine();
    const row = await unconfirmed(engine);
    misbehaviours[answer]?.();
    await advanceTransfer(engine, row.id, never);
    expect(await stage.find(row.id)).toMatchObject({ state: 'unconfirmed', possibly_sent: true, attempts: 2 });
    expect((await stage.settle(row.id, engine)).state).toBe('succeeded');
    expect(stage.effects(row)).toBe(1);
  });

  it('409 after a refusal of the same id: it proves nothing, a person must look', async () => {
    const engine = await stage.engine();
    misbehaviours['422']?.();
    const held = await sent(engine);
    expect(held).toMatchObject({ state: 'holding', refused_before: true });
    stage.ledger.passMs(10 * 60_000);
    fault({ kind: 'drop', when: 'after' });
    const row = await stage.settle(held.id, await stage.engine());
    expect(row).toMatchObject({ state: 'review', reason_code: 'conflict_unprovable' });
  });
});
