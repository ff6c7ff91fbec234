import { testServerUrls } from '@kpay/testkit';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { cancelTransfer } from '../faces/operations.ts';
import type { Sink, SinkEvent } from '../faces/plugin.ts';
import { deliverToSink, leaveSink, type SinkDelivery } from '../faces/worker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;

interface Heard {
  delivery: SinkDelivery;
  events: SinkEvent[];
  failures: unknown[];
}

function hear(holder: string, changes: Partial<Sink> = {}): Heard {
  const events: SinkEvent[] = [];
  const failures: unknown[] = [];
  const sink: Sink = { name: 'log', tell: (told) => void events.push(...told), ...changes };
  const onFailure = (error: unknown) => failures.push(error);
  return { delivery: { ledger: stage.ledger, plugin: 'acme', sink, holder, onFailure }, events, failures };
}

/**
 * Delivers until nothing is left that may be delivered now. It waits for transactions of other tests on the same
 * server.
 */
async function deliverAll(delivery: SinkDelivery): Promise<void> {
  do await deliverDecided(delivery);
  while (await waitsForOtherTransactions(delivery));
}

async function deliverDecided(delivery: SinkDelivery): Promise<void> {
  while (await deliverToSink(delivery, never));
}

async function waitsForOtherTransactions({ ledger, holder }: SinkDelivery): Promise<boolean> {
  return ledger.transaction(async ({ db, now }) => {
    const row = await db.selectFrom('kpay.sinks').selectAll().executeTakeFirst();
    if (row?.holder !== holder || BigInt(row.told_id) >= BigInt(row.safe_id)) return false;
    return row.retry_at === null || row.retry_at <= now;
  });
}

const idsOf = (events: readonly SinkEvent[]) => events.map(({ id }) => BigInt(id));

async function eventIds(): Promise<bigint[]> {
  const rows = await stage.ledger.db.selectFrom('kpay.transfer_events').select('id').orderBy('id').execute();
  return rows.map(({ id }) => BigInt(id));
}

describe('a sink', () => {
  it('is told of every event in order, from where it was told last, whoever tells it', async () => {
    const first = hear('first');
    const { id } = await stage.accept({ metadata: { team: 'lagos' } });
    await deliverAll(first.delivery);
    expect(first.events).toMatchObject([
      { transferId: id, externalId: 'order-1', account: 'default', type: 'accepted', from: null, to: 'queued', amount: '100000' },
    ]);
    expect(first.events[0]).toMatchObject({ currency: 'XAF', sourceCountry: 'CMR', metadata: { team: 'lagos' } });

    await leaveSink(first.delivery);
    await cancelTransfer(stage.ledger, stage.epochWitness, id, { by: 'admin' });
    for (let number = 0; number < 250; number++) await stage.accept({ externalId: `more-${number}` });
    const second = hear('second');
    await deliverAll(second.delivery);
    expect(second.events[0]).toMatchObject({ type: 'cancelled', from: 'queued', to: 'cancelled' });
    expect([...idsOf(first.events), ...idsOf(second.events)]).toEqual(await eventIds());
  });

  it('that throws is told the same again, later and later, and never past it', async () => {
    let broken = true;
    const calls: number[] = [];
    const heard: SinkEvent[] = [];
    const { delivery, failures } = hear('first', {
      tell(events) {
        calls.push(events.length);
        if (broken) throw new Error('disk full');
        heard.push(...events);
      },
    });
    await stage.accept();
    await deliverAll(delivery);
    await deliverAll(delivery);
    expect(calls).toEqual([1]);
    expect(failures).toMatchObject([{ message: 'disk full' }]);
    await stage.accept({ externalId: 'order-2' });
    stage.ledger.passMs(1_001);
    await deliverAll(delivery);
    stage.ledger.passMs(1_001);
    await deliverAll(delivery);
    expect(calls).toHaveLength(2);
    broken = false;
    stage.ledger.passMs(1_001);
    await deliverAll(delivery);
    expect(idsOf(heard)).toEqual(await eventIds());
  });

  it('that hangs is left after its time and told again', async () => {
    let hangs = true;
    const heard: SinkEvent[] = [];
    const tell: Sink['tell'] = async (events) => {
      if (hangs) await new Promise(() => {});
      heard.push(...events);
    };
    const { delivery, failures } = hear('first', { timeoutMs: 20, tell });
    await stage.accept();
    await deliverAll(delivery);
    expect(failures).toMatchObject([{ message: 'took longer than 0.02 s' }]);
    hangs = false;
    stage.ledger.passMs(1_001);
    await deliverAll(delivery);
    expect(heard).toHaveLength(1);
  });

  it('is told by one process at a time, and by another after its lease ended', async () => {
    const inside = Promise.withResolvers<void>();
    const stuck = Promise.withResolvers<void>();
    const frozen = hear('frozen', {
      async tell() {
        inside.resolve();
        await stuck.promise;
      },
    });
    const other = hear('other');
    await stage.accept();
    const telling = deliverAll(frozen.delivery);
    await inside.promise;
    await deliverAll(other.delivery);
    expect(other.events).toHaveLength(0);

    stage.ledger.passMs(30_001);
    await stage.accept({ externalId: 'order-2' });
    await deliverAll(other.delivery);
    expect(idsOf(other.events)).toEqual(await eventIds());
    // A process that wakes up does not move the position back.
    stuck.resolve();
    await telling;
    const position = await stage.ledger.db.selectFrom('kpay.sinks').select('told_id').executeTakeFirstOrThrow();
    expect(BigInt(position.told_id)).toBe((await eventIds()).at(-1));
  });

  it('of a ledger restored elsewhere does not wait for old transaction ids', async () => {
    const { delivery, events } = hear('first');
    await stage.accept();
    await deliverAll(delivery);
    await sql`update kpay.sinks set safe_xid = '99999999999'`.execute(stage.ledger.db);
    await stage.accept({ externalId: 'order-2' });
    await deliverAll(delivery);
    expect(idsOf(events)).toEqual(await eventIds());
  });

  // PGlite has one session, so no transaction can commit late.
  it.runIf(testServerUrls())('is never told past an event whose transaction is late to commit', async () => {
    const { delivery, events } = hear('first');
    const { id } = await stage.accept();
    const written = Promise.withResolvers<void>();
    const commit = Promise.withResolvers<void>();
    const late = stage.ledger.transaction(async (tx) => {
      await sql`update kpay.transfers set updated_at = now() where id = ${id}`.execute(tx.db);
      await sql`
        insert into kpay.transfer_events (transfer_id, version, type, to_state, actor, at)
        values (${id}, 99, 'late', 'queued', 'test', now())`.execute(tx.db);
      written.resolve();
      await commit.promise;
    });
    await written.promise;
    await stage.accept({ externalId: 'order-2' });
    await deliverDecided(delivery);
    await deliverDecided(delivery);
    expect(events.map(({ type }) => type)).not.toContain('late');
    expect(events.filter(({ externalId }) => externalId === 'order-2')).toHaveLength(0);
    commit.resolve();
    await late;
    await deliverAll(delivery);
    expect(idsOf(events)).toEqual(await eventIds());
    expect(events.map(({ type }) => type)).toEqual(['accepted', 'late', 'accepted']);
  });
});

it("ignores a sink's lease and delay from before the ledger's clock was set back", async () => {
  await stage.accept();
  await deliverAll(hear('first').delivery);
  const failing = hear('failing', { tell: () => Promise.reject(new Error('not today')) });
  stage.ledger.passMs(60_000);
  await stage.accept({ externalId: 'order-2' });
  await deliverToSink(failing.delivery, never);
  stage.ledger.passMs(-60 * 60_000);
  const second = hear('second');
  await deliverAll(second.delivery);
  expect(second.events.length).toBeGreaterThan(0);
});
