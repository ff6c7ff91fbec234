import { systemClock } from '@kpay/core';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryEpochWitness } from '../../test/memory-epoch-witness.ts';
import { openStage, order, type Stage } from '../../test/stage.ts';
import {
  cancelTransfer,
  finishRestore,
  pause,
  type ReviewResolution,
  resolveReview,
  resolveReviews,
} from '../faces/operations.ts';
import { advanceTransfer, ForeignLedger, type LedgerEpoch, openLedgerEpoch } from '../faces/worker.ts';
import { EpochUnknown, LedgerRestored, listTransferEvents, moneyMoved, type TransferRow } from '../index.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const ann = { by: 'ann' };

function openEpoch(clock = systemClock): Promise<LedgerEpoch> {
  return openLedgerEpoch({ ledger: stage.ledger, witness: stage.epochWitness, clock });
}

async function epochNow(): Promise<number> {
  return (await stage.ledger.db.selectFrom('kpay.ledger').select('epoch').executeTakeFirstOrThrow()).epoch;
}

function transferRequests(): number {
  return stage.simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0;
}

/** Two transfers, one sent before the backup and one after it; then the ledger is as it was in between. */
async function restoreBehind(): Promise<{ sent: TransferRow; sentSince: TransferRow }> {
  const engine = await stage.engine();
  const sent = await stage.accept({ externalId: 'before' });
  await advanceTransfer(engine, sent.id, never);
  const sentSince = await stage.accept({ externalId: 'since' });
  const restore = await stage.ledger.backUp();
  await advanceTransfer(engine, sentSince.id, never);
  await openEpoch();
  await restore();
  return { sent, sentSince };
}

describe('what a person decides', () => {
  it.each([
    ['a cancel', (id: string) => cancelTransfer(stage.ledger, stage.epochWitness, id, { ...ann, reason: 'no' })],
    ['a pause', () => pause(stage.ledger, { scope: 'all' }, { ...ann, reason: 'stop' }, stage.epochWitness)],
  ])('is not forgotten unnoticed by a restore over a quiet hour: %s', async (_what, decideIt) => {
    await openEpoch();
    const { id } = await stage.accept();
    const restore = await stage.ledger.backUp();
    await decideIt(id);
    await restore();
    const epoch = await openEpoch();
    expect(epoch.refusal()).toContain('restored from a backup');
    await advanceTransfer({ ...(await stage.engine()), epoch }, id, never);
    expect(transferRequests()).toBe(0);
  });

  it('does not hide a restore: a pause on a restored ledger never passes the witness', async () => {
    await restoreBehind();
    await pause(stage.ledger, { scope: 'all' }, { ...ann, reason: 'stop' }, stage.epochWitness);
    expect((await openEpoch()).refusal()).toContain('restored from a backup');
  });

  it('is committed while the witness is out of reach', async () => {
    const away = { ...stage.epochWitness, read: () => Promise.reject(new Error('away')) };
    expect(await pause(stage.ledger, { scope: 'all' }, { ...ann, reason: 'stop' }, away)).toMatchObject({ scope: 'all' });
  });

  it.each([
    ['read', { read: () => Promise.reject(new Error('away')), write: () => Promise.reject(new Error('away')) }],
    ['written', { write: () => Promise.reject(new Error('away')) }],
  ])('while the witness could not be %s is not forgotten: a worker makes up for it', async (_what, away) => {
    const worker = await openEpoch();
    const { id } = await stage.accept();
    const restore = await stage.ledger.backUp();
    await pause(stage.ledger, { scope: 'all' }, { ...ann, reason: 'stop' }, { ...stage.epochWitness, ...away });
    await worker.check();
    const witnessed = await stage.epochWitness.read();
    await worker.check();
    expect(await stage.epochWitness.read()).toEqual(witnessed);
    await restore();
    const epoch = await openEpoch();
    expect(epoch.refusal()).toContain('restored from a backup');
    await advanceTransfer({ ...(await stage.engine()), epoch }, id, never);
    expect(transferRequests()).toBe(0);
  });

  it('while the witness could not be read does not help a restored ledger up to it', async () => {
    await restoreBehind();
    const away = { ...stage.epochWitness, read: () => Promise.reject(new Error('away')) };
    await pause(stage.ledger, { scope: 'all' }, { ...ann, reason: 'stop' }, away);
    expect((await openEpoch()).refusal()).toContain('restored from a backup');
  });

  it('has no end that has passed', async () => {
    const until = new Date(stage.ledger.now().getTime() - 1);
    await expect(pause(stage.ledger, { scope: 'all' }, { ...ann, reason: 'stop', until })).rejects.toMatchObject({
      field: 'until',
    });
  });
});

describe('the epoch', () => {
  it("grows at each start and before a new minute's first send, ledger before witness", async () => {
    let nowMs = 0;
    const epoch = await openEpoch({ ...systemClock, monotonicMs: () => nowMs });
    expect(await epochNow()).toBe(1);
    nowMs = 59_999;
    await epoch.beforeSend();
    expect(await epochNow()).toBe(1);
    nowMs = 60_000;
    await Promise.all([epoch.beforeSend(), epoch.beforeSend()]);
    expect(await epochNow()).toBe(2);
    expect(await stage.epochWitness.read()).toMatchObject({ epoch: 2 });
    await openEpoch();
    expect(await stage.epochWitness.read()).toMatchObject({ epoch: 3 });
  });

  it('rests while nothing is sent', async () => {
    let nowMs = 0;
    const engine = await stage.engine();
    const epoch = await openEpoch({ ...systemClock, monotonicMs: () => nowMs });
    const grown = await epochNow();
    const { id } = await stage.accept({ notBefore: new Date(Date.now() + 3_600_000).toISOString() });
    nowMs = 600_000;
    await advanceTransfer({ ...engine, epoch }, id, never);
    await epoch.check();
    expect(await epochNow()).toBe(grown);
  });

  it('is witnessed again when the witness is lost; one behind is no restore', async () => {
    await openEpoch();
    stage.epochWitness.lose();
    await openEpoch();
    expect(await stage.epochWitness.read()).toMatchObject({ epoch: 2 });
    await sql`update kpay.ledger set epoch = 9`.execute(stage.ledger.db);
    expect((await openEpoch()).refusal()).toBeUndefined();
    expect(await stage.epochWitness.read()).toMatchObject({ epoch: 10 });
  });

  it('raises no alarm however many workers start, grow and look at once', async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs };
    const workers = await Promise.all(Array.from({ length: 5 }, () => openEpoch(clock)));
    for (let minute = 0; minute < 10; minute++) {
      nowMs += 60_000;
      await Promise.all(workers.flatMap((worker) => [worker.beforeSend(), worker.check(), worker.beforeSend()]));
    }
    expect(workers.map((worker) => worker.refusal())).toEqual(Array(5).fill(undefined));
    expect(await stage.epochWitness.read()).toMatchObject({ epoch: await epochNow() });
  });
});

describe('a ledger behind its witness', () => {
  it('is not sent from by a worker that starts; orders are accepted all the same', async () => {
    const { sentSince } = await restoreBehind();
    const engine = await stage.engine();
    expect(engine.epoch.refusal()).toContain('kpay restore finish');
    expect(await advanceTransfer(engine, sentSince.id, never)).toBeUndefined();
    const { id } = await stage.accept({ externalId: 'while restored' });
    expect(await advanceTransfer(engine, id, never)).toBeUndefined();
    expect(await stage.find(id)).toMatchObject({ state: 'queued' });
    expect(transferRequests()).toBe(2);
  });

  it('ends nothing by time: what expired in the backup may have been sent since', async () => {
    const expiresAt = new Date(Date.now() + 30_000).toISOString();
    const engine = await stage.engine();
    const { id } = await stage.accept({ expiresAt });
    const restore = await stage.ledger.backUp();
    await openEpoch();
    await engine.epoch.check();
    await restore();
    stage.ledger.passMs(60_000);
    // This worker has not checked yet; it notices the restore in the transaction.
    expect(await advanceTransfer(engine, id, never)).toBeUndefined();
    expect(await stage.find(id)).toMatchObject({ state: 'queued' });
  });

  it('is marked for the workers that have nothing to compare', async () => {
    await restoreBehind();
    await openEpoch();
    stage.epochWitness.lose();
    expect((await openEpoch()).refusal()).toContain('restored');
  });
});

describe('what people say of transfers on a ledger behind its witness', () => {
  it('is refused before and after a worker noticed: the money may have moved', async () => {
    const { sentSince } = await restoreBehind();
    const cancel = () => cancelTransfer(stage.ledger, stage.epochWitness, sentSince.id, ann);
    await expect(cancel()).rejects.toThrow(LedgerRestored);
    await openEpoch();
    // The mark alone is enough.
    stage.epochWitness.lose();
    await expect(cancel()).rejects.toThrow('run kpay restore finish first');
    expect(await stage.find(sentSince.id)).toMatchObject({ state: 'queued', version: sentSince.version });
    await finishRestore(stage.ledger, stage.epochWitness, ann);
    expect(await cancel()).toMatchObject({ outcome: 'too_late', transfer: { state: 'review', reason_code: 'restored' } });
  });

  it('refuses reviews too, singly and in bulk: they may have been settled since', async () => {
    const { sentSince } = await restoreBehind();
    const resolution = { ...ann, verdict: 'not_happened', reason: 'not there' } as const;
    await expect(resolveReview(stage.ledger, stage.epochWitness, sentSince.id, resolution)).rejects.toThrow(LedgerRestored);
    await expect(resolveReviews(stage.ledger, stage.epochWitness, { reasonCode: 'restored' }, resolution)).rejects.toThrow(
      LedgerRestored,
    );
  });

  it('is refused while the witness belongs to another ledger, or cannot be read', async () => {
    const { id } = await stage.accept();
    const other = { ledgerId: '00000000-0000-4000-8000-000000000001', epoch: 1 };
    const foreign = { ...stage.epochWitness, read: async () => other };
    await expect(cancelTransfer(stage.ledger, foreign, id, ann)).rejects.toThrow('belongs to another ledger');
    const away = { ...stage.epochWitness, read: () => Promise.reject(new Error('connect ECONNREFUSED')) };
    await expect(cancelTransfer(stage.ledger, away, id, ann)).rejects.toThrow(EpochUnknown);
    expect(await cancelTransfer(stage.ledger, stage.epochWitness, id, ann)).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('a ledger restored under a running worker', () => {
  it.each([
    ['first send', 'queued'],
    ['re-send', 'unconfirmed'],
  ])('is found in the transaction that would commit a %s, without a witness too', async (_what, state) => {
    if (state === 'unconfirmed') {
      stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'status', status: 503 } });
    }
    const engine = await stage.engine();
    const { id } = await stage.accept();
    if (state === 'unconfirmed') await advanceTransfer(engine, id, never);
    const restore = await stage.ledger.backUp();
    await stage.engine();
    await engine.epoch.check();
    stage.epochWitness.lose();
    await restore();
    stage.ledger.passMs(60_000);
    const before = transferRequests();
    expect(await advanceTransfer(engine, id, never)).toBeUndefined();
    expect(await stage.find(id)).toMatchObject({ state });
    expect(transferRequests()).toBe(before);
    expect(engine.epoch.refusal()).toBeUndefined();
    await engine.epoch.check();
    expect(engine.epoch.refusal()).toContain('kpay restore finish');
  });

  it('is found by a worker that never saw the epoch: the witness knows it', async () => {
    const engine = await stage.engine();
    const { id } = await stage.accept();
    const restore = await stage.ledger.backUp();
    await openEpoch();
    await restore();
    await engine.epoch.check();
    expect(engine.epoch.refusal()).toContain('kpay restore finish');
    expect(await advanceTransfer(engine, id, never)).toBeUndefined();
    expect(await stage.find(id)).toMatchObject({ state: 'queued' });
  });

  it('while the witness cannot be read the ledger is looked at all the same', async () => {
    const away = { ...stage.epochWitness };
    const epoch = await openLedgerEpoch({ ledger: stage.ledger, witness: away, clock: systemClock });
    const restore = await stage.ledger.backUp();
    await openEpoch();
    await epoch.check();
    await restore();
    away.read = () => Promise.reject(new Error('connect ECONNREFUSED'));
    await epoch.check();
    expect(epoch.refusal()).toContain('kpay restore finish');
  });

  it('is sent from again when the restore is finished, without a restart', async () => {
    const engine = await stage.engine();
    const restore = await stage.ledger.backUp();
    await openEpoch();
    await engine.epoch.check();
    await restore();
    await engine.epoch.check();
    expect(engine.epoch.refusal()).toBeDefined();
    await finishRestore(stage.ledger, stage.epochWitness, ann);
    await engine.epoch.check();
    const { id } = await stage.accept();
    expect(await advanceTransfer(engine, id, never)).toMatchObject({ state: 'succeeded' });
  });
});

describe('a witness of another ledger', () => {
  it('keeps a worker from starting until a person says that this ledger takes over', async () => {
    await stage.epochWitness.replace({ ledgerId: '00000000-0000-4000-8000-000000000001', epoch: 1 });
    await expect(openEpoch()).rejects.toThrow(ForeignLedger);
    await expect(openEpoch()).rejects.toThrow('memory belongs to another ledger');
    expect(await finishRestore(stage.ledger, stage.epochWitness, ann)).toEqual({ outcome: 'finished', moved: 0 });
    expect((await openEpoch()).refusal()).toBeUndefined();
  });

  it('stops the sends of a worker that runs', async () => {
    let nowMs = 0;
    const epoch = await openEpoch({ ...systemClock, monotonicMs: () => nowMs });
    await stage.epochWitness.replace({ ledgerId: '00000000-0000-4000-8000-000000000001', epoch: 1 });
    nowMs = 60_000;
    expect(await epoch.beforeSend()).toBe(false);
    await epoch.check();
    expect(epoch.refusal()).toContain('another ledger');
  });
});

/** One in each unfinished state but review, and one that is final. */
async function oneOfEach(): Promise<Record<string, string>> {
  const engine = await stage.engine();
  const accept = async (externalId: string, more = {}) => (await stage.accept({ externalId, ...more })).id;
  const ids = {
    succeeded: await accept('succeeded'),
    queued: await accept('queued'),
    holding: await accept('holding', { minRate: '2' }),
    unconfirmed: await accept('unconfirmed'),
    submitting: await accept('submitting'),
    awaiting_approval: await accept('awaiting_approval'),
  };
  for (const id of [ids.succeeded, ids.holding]) await advanceTransfer(engine, id, never);
  stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'drop', when: 'after' } });
  await advanceTransfer(engine, ids.unconfirmed, never);
  await sql`alter table kpay.transfers disable trigger guard_transfer`.execute(stage.ledger.db);
  const soon = new Date(Date.now() + 45_000);
  const under = { state: 'submitting', lease_until: soon, due_at: soon, send_body: '{}', attempts: 1 } as const;
  await stage.ledger.db.updateTable('kpay.transfers').set(under).where('id', '=', ids.submitting).execute();
  const waits = { state: 'awaiting_approval', due_at: null } as const;
  await stage.ledger.db.updateTable('kpay.transfers').set(waits).where('id', '=', ids.awaiting_approval).execute();
  await sql`alter table kpay.transfers enable trigger guard_transfer`.execute(stage.ledger.db);
  return ids;
}

describe('finishing a restore', () => {
  it('moves unfinished transfers to review, as possibly sent, with an event of why', async () => {
    const ids = await oneOfEach();
    expect(await finishRestore(stage.ledger, stage.epochWitness, { ...ann, unseen: true })).toEqual({
      outcome: 'finished',
      moved: 5,
    });
    for (const [before, id] of Object.entries(ids)) {
      const row = await stage.find(id);
      if (before === 'succeeded') {
        expect(row.state).toBe('succeeded');
        continue;
      }
      expect(row, before).toMatchObject({ state: 'review', reason_code: 'restored', possibly_sent: true, due_at: null });
      expect(moneyMoved(row.state, row.kpay_transfer_id)).toBe('unknown');
      const event = (await listTransferEvents(stage.ledger, id)).at(-1);
      expect(event).toMatchObject({
        type: 'restored',
        from_state: before,
        to_state: 'review',
        version: row.version,
        actor: 'ann',
      });
    }
    const engine = await stage.engine();
    const { id } = await stage.accept({ externalId: 'afterwards' });
    expect(await advanceTransfer(engine, id, never)).toMatchObject({ state: 'succeeded' });
  });

  it('is refused when nothing says that the ledger was restored, and changes nothing', async () => {
    await openEpoch();
    const { id } = await stage.accept();
    expect(await finishRestore(stage.ledger, stage.epochWitness, ann)).toEqual({ outcome: 'not_restored' });
    expect(await stage.find(id)).toMatchObject({ state: 'queued' });
  });

  it('needs no worker that noticed: the witness tells, and nothing is left to finish', async () => {
    await restoreBehind();
    expect(await finishRestore(stage.ledger, stage.epochWitness, ann)).toEqual({ outcome: 'finished', moved: 1 });
    expect(await finishRestore(stage.ledger, stage.epochWitness, ann)).toEqual({ outcome: 'not_restored' });
    expect((await openEpoch()).refusal()).toBeUndefined();
  });

  it('goes on where it broke off', async () => {
    await restoreBehind();
    const dying = {
      ...createMemoryEpochWitness(),
      read: stage.epochWitness.read,
      replace: () => Promise.reject(new Error('died')),
    };
    await expect(finishRestore(stage.ledger, dying, ann)).rejects.toThrow('died');
    expect((await openEpoch()).refusal()).toBeUndefined();
  });

  it('settles 601 in bulk, batch after batch', { timeout: 120_000 }, async () => {
    await stage.accept();
    await sql`
      insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country, destination_country,
        amount_minor, currency, destination_currency, on_insufficient_funds, priority, state, due_at, created_at, updated_at)
      select gen_random_uuid(), account, 'more-' || n, owner, request_hash, gen_random_uuid(), source_country, destination_country,
        amount_minor, currency, destination_currency, on_insufficient_funds, priority, state, due_at, created_at, updated_at
      from kpay.transfers, generate_series(1, 600) n`.execute(stage.ledger.db);
    await sql`insert into kpay.transfer_events (transfer_id, version, type, to_state, actor, at)
      select id, 1, 'accepted', 'queued', 'admin', created_at from kpay.transfers where external_id like 'more-%'`.execute(
      stage.ledger.db,
    );
    const finished = await finishRestore(stage.ledger, stage.epochWitness, { ...ann, unseen: true });
    expect(finished).toEqual({ outcome: 'finished', moved: 601 });
    const resolution = { ...ann, verdict: 'unchanged', reason: 'the workers stood still' } as const;
    expect(await resolveReviews(stage.ledger, stage.epochWitness, { reasonCode: 'restored' }, resolution)).toEqual({
      resolved: 601,
      skipped: 0,
    });
  });
});

describe('settling what a restore put into review', () => {
  const settle = (verdict: ReviewResolution, filter = {}) =>
    resolveReviews(stage.ledger, stage.epochWitness, { reasonCode: 'restored', ...filter }, { ...ann, verdict, reason: 'seen' });

  it('unchanged: each goes on where the backup left it, and to one effect', async () => {
    const ids = await oneOfEach();
    await finishRestore(stage.ledger, stage.epochWitness, { ...ann, unseen: true });
    expect(await settle('unchanged')).toEqual({ resolved: 5, skipped: 0 });
    const states = { queued: 'queued', holding: 'queued', awaiting_approval: 'awaiting_approval' };
    for (const [before, state] of Object.entries(states)) {
      const row = await stage.find(ids[before] ?? '');
      expect(row, before).toMatchObject({ state, possibly_sent: false, refused_before: false });
    }
    for (const before of ['submitting', 'unconfirmed']) {
      expect(await stage.find(ids[before] ?? ''), before).toMatchObject({ state: 'unconfirmed', refused_before: false });
    }
    const engine = await stage.engine();
    const settled = await stage.settle(ids.unconfirmed ?? '', engine);
    expect(settled).toMatchObject({ state: 'succeeded', confirmed_by: 'conflict' });
    expect(stage.effects(settled)).toBe(1);
    expect(await stage.settle(ids.queued ?? '', engine)).toMatchObject({ state: 'succeeded' });
    expect(await stage.settle(ids.holding ?? '', engine)).toMatchObject({
      state: 'holding',
      reason_code: 'rate_below_minimum',
    });
  });

  it('unchanged, wrongly: KPay knows the id, so it has one effect and is in review', async () => {
    const { sentSince } = await restoreBehind();
    await finishRestore(stage.ledger, stage.epochWitness, ann);
    await settle('unchanged');
    const row = await stage.settle(sentSince.id, await stage.engine());
    expect(row).toMatchObject({ state: 'review', reason_code: 'collision' });
    expect(stage.effects(row)).toBe(1);
  });

  it('send_again takes only what the ledger knows as sent; others would skip checks', async () => {
    const ids = await oneOfEach();
    await finishRestore(stage.ledger, stage.epochWitness, { ...ann, unseen: true });
    expect(await settle('send_again')).toEqual({ resolved: 2, skipped: 3 });
    const one = resolveReview(stage.ledger, stage.epochWitness, ids.queued ?? '', {
      ...ann,
      verdict: 'send_again',
      reason: 'why not',
    });
    await expect(one).rejects.toThrow('verdict: send_again is for a transfer that this ledger knows to have been sent');
    const row = await stage.settle(ids.unconfirmed ?? '', await stage.engine());
    // It may have been refused in the lost time, so a conflict proves nothing.
    expect(row).toMatchObject({ state: 'review', reason_code: 'conflict_unprovable' });
    expect(stage.effects(row)).toBe(1);
  });

  it.each(['send_again', 'unchanged'] as const)('%s: not beside an attempt that may be under way still', async (verdict) => {
    const { submitting: id = '' } = await oneOfEach();
    const lease_until = new Date(Date.now() + 45_000);
    const attempt = { transfer_id: id, number: 1, account: 'default', worker: 'w', started_at: new Date(), body_hash: '' };
    await stage.ledger.db
      .insertInto('kpay.attempts')
      .values({ ...attempt, lease_until })
      .execute();
    await finishRestore(stage.ledger, stage.epochWitness, { ...ann, unseen: true });
    await settle(verdict);
    expect(await stage.find(id)).toMatchObject({ state: 'unconfirmed', due_at: lease_until });
  });

  it.each([
    ['happened', 'succeeded'],
    ['not_happened', 'failed'],
  ] as const)('%s: %s', async (verdict, state) => {
    const { sentSince } = await restoreBehind();
    await finishRestore(stage.ledger, stage.epochWitness, ann);
    expect(await settle(verdict)).toEqual({ resolved: 1, skipped: 0 });
    expect(await stage.find(sentSince.id)).toMatchObject({ state, resolved_by: 'ann' });
  });

  it('touches only what the filter names', async () => {
    const { sentSince } = await restoreBehind();
    await finishRestore(stage.ledger, stage.epochWitness, ann);
    const { created_at } = sentSince;
    const none = { resolved: 0, skipped: 0 };
    expect(await settle('happened', { account: 'other' })).toEqual(none);
    expect(await settle('happened', { acceptedBefore: created_at })).toEqual(none);
    expect(await settle('happened', { acceptedFrom: new Date(created_at.getTime() + 1) })).toEqual(none);
    expect(await settle('happened', { reasonCode: 'collision' })).toEqual(none);
    expect(await settle('happened', { account: 'default', acceptedFrom: created_at })).toEqual({ resolved: 1, skipped: 0 });
  });

  it('is for a restore only: the ledger refuses these moves to everything else', async () => {
    const { id } = await stage.accept(order);
    const to = (set: object) =>
      stage.ledger.db
        .updateTable('kpay.transfers')
        .set({ version: 2, ...set })
        .where('id', '=', id)
        .execute();
    await expect(to({ state: 'review', possibly_sent: true, reason_code: 'other' })).rejects.toThrow(
      'no move from queued to review',
    );
    await expect(to({ state: 'review', reason_code: 'restored' })).rejects.toThrow('no move from queued to review');
    await to({ state: 'review', possibly_sent: true, reason_code: 'restored' });
    const back = { version: 3, state: 'queued', due_at: new Date() };
    await expect(to({ ...back, possibly_sent: true })).rejects.toThrow('no move from review to queued');
    await cancelTransfer(stage.ledger, stage.epochWitness, id, ann);
    expect(await stage.find(id)).toMatchObject({ state: 'review' });
  });

  it('leaves pauses in force', async () => {
    const { sentSince } = await restoreBehind();
    await pause(stage.ledger, { scope: 'all' }, { ...ann, reason: 'restore' });
    await finishRestore(stage.ledger, stage.epochWitness, ann);
    await settle('unchanged');
    expect(await stage.settle(sentSince.id, await stage.engine())).toMatchObject({ state: 'holding', reason_code: 'paused' });
  });
});
