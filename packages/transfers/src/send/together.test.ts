import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openStage, order, type Stage } from '../../test/stage.ts';
import { cancelTransfer, pause } from '../faces/operations.ts';
import { advanceTransfer, type TransferEngine } from '../faces/worker.ts';
import { acceptTransfer, IdempotencyConflict, type TransferRow } from '../index.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;

async function acceptMany(count: number, body: (number: number) => Record<string, unknown> = () => ({})): Promise<TransferRow[]> {
  return Promise.all(
    Array.from({ length: count }, (_, number) => stage.accept({ externalId: `many-${number}`, ...body(number) })),
  );
}

async function advanceAll(rows: readonly TransferRow[], ...workers: readonly TransferEngine[]): Promise<TransferRow[]> {
  await Promise.all(rows.map(({ id }, number) => advanceTransfer(workers[number % workers.length] ?? failed(), id, never)));
  return Promise.all(rows.map(({ id }) => stage.find(id)));
}

function failed(): never {
  throw new Error('there is no worker');
}

/** Lets nobody begin before `count` have their permits, and then does something first. */
function allAtOnce(engine: TransferEngine, count: number, first: () => Promise<unknown>, sends: string[] = []): TransferEngine {
  const ready = Promise.withResolvers<void>();
  let prepared = 0;
  const { account } = engine;
  const client = {
    ...account.client,
    async prepareTransfer(...args: Parameters<typeof account.client.prepareTransfer>) {
      const permit = await account.client.prepareTransfer(...args);
      prepared += 1;
      if (prepared === count) first().then(() => ready.resolve(), ready.reject);
      await ready.promise;
      const send: typeof permit.send = (body, options) => {
        sends.push(JSON.parse(body).externalId);
        return permit.send(body, options);
      };
      return { ...permit, send };
    },
  };
  return { ...engine, account: { ...account, client } };
}

const eventsOf = async ({ id }: TransferRow) =>
  stage.ledger.db.selectFrom('kpay.transfer_events').selectAll().where('transfer_id', '=', id).orderBy('version').execute();
const attemptsOf = async ({ id }: TransferRow) =>
  stage.ledger.db.selectFrom('kpay.attempts').selectAll().where('transfer_id', '=', id).execute();

it('sent together, each has one effect and is written down as if it were alone', async () => {
  const [alone] = await advanceAll([await stage.accept({ externalId: 'alone' })], await stage.engine());
  if (!alone) throw new Error('it is not there');
  const rows = await advanceAll(await acceptMany(12), await stage.engine());
  const changing = { id: 0, external_id: 0, kpay_external_id: 0, kpay_transfer_id: 0, request_hash: 0, receipt: 0, send_body: 0 };
  const times = { created_at: 0, updated_at: 0, finished_at: 0, sent_at: 0 };
  for (const row of rows) {
    expect({ ...row, ...changing, ...times }).toEqual({ ...alone, ...changing, ...times });
    expect(Object.keys(row.receipt ?? {})).toEqual(Object.keys(alone.receipt ?? {}));
    expect(stage.effects(row)).toBe(1);
    expect((await eventsOf(row)).map(({ type, from_state, to_state }) => [type, from_state, to_state])).toEqual([
      ['accepted', null, 'queued'],
      ['submitting', 'queued', 'submitting'],
      ['succeeded', 'submitting', 'succeeded'],
    ]);
    expect((await eventsOf(row)).map(({ detail }) => Object.keys(detail ?? {}))).toEqual(
      (await eventsOf(alone)).map(({ detail }) => Object.keys(detail ?? {})),
    );
    expect(await attemptsOf(row)).toMatchObject([{ number: 1, outcome: 'succeeded', ended_at: row.finished_at, status: null }]);
  }
});

it('a transfer that is taken on several times at once is sent by one of them', async () => {
  const [row] = await acceptMany(1);
  if (!row) throw new Error('it is not there');
  const sends: string[] = [];
  const engine = allAtOnce(await stage.engine(), 5, async () => {}, sends);
  const left = await Promise.all(Array.from({ length: 5 }, () => advanceTransfer(engine, row.id, never)));
  expect(left.filter((each) => each !== undefined)).toHaveLength(1);
  expect(await stage.find(row.id)).toMatchObject({ state: 'succeeded', attempts: 1, version: 3 });
  expect(stage.simulator.control.truth({ externalId: row.kpay_external_id }).transfers).toHaveLength(1);
  expect(await attemptsOf(row)).toHaveLength(1);
  expect(sends).toEqual([row.kpay_external_id]);
});

it.each([1, 2])('money for three is spent by three of ten, by %i workers', async (count) => {
  stage.simulator.control.setBalance({ country: 'CMR', balance: 350_000 });
  const workers = await Promise.all(Array.from({ length: count }, () => stage.engine()));
  const rows = await acceptMany(10);
  // The balance is the same for all: it was read before any of them was sent.
  await Promise.all(workers.map(({ account }) => account.observations.balance({ lane: 'checks' })));
  const states = (await advanceAll(rows, ...workers)).map(({ state, reason_code }) => reason_code ?? state);
  expect(states.filter((state) => state === 'succeeded')).toHaveLength(3);
  expect(states.filter((state) => state === 'insufficient_funds')).toHaveLength(7);
  expect(stage.simulator.control.truth().transferCount).toBe(3);
});

it('one cancelled and those of a paused corridor stay; the others of the moment go', async () => {
  const rows = await acceptMany(9, (number) => ({ destinationCountry: number % 3 === 0 ? 'CIV' : 'SEN' }));
  const engine = allAtOnce(await stage.engine(), rows.length, async () => {
    await cancelTransfer(stage.ledger, stage.epochWitness, rows[1]?.id ?? '', { by: 'ada' });
    await pause(stage.ledger, { scope: 'corridor', account: 'default', corridor: 'CMR-CIV' }, { by: 'ada', reason: 'stop' });
  });
  const states = (await advanceAll(rows, engine)).map(({ state, reason_code }) => reason_code ?? state);
  expect(states).toEqual([
    'paused',
    'cancelled',
    'succeeded',
    'paused',
    'succeeded',
    'succeeded',
    'paused',
    'succeeded',
    'succeeded',
  ]);
  expect(stage.simulator.control.truth().transferCount).toBe(5);
});

it('one first sent to another KPay fails alone; the others of the moment go', async () => {
  const rows = await acceptMany(3);
  const elsewhere = { pinned_base_url: 'https://elsewhere.example', pinned_environment: 'TEST', pinned_application_id: 'other' };
  const engine = allAtOnce(await stage.engine(), rows.length, async () => {});
  await stage.ledger.db
    .updateTable('kpay.transfers')
    .set(elsewhere)
    .where('id', '=', rows[1]?.id ?? '')
    .execute();
  const ends = await Promise.allSettled(rows.map(({ id }) => advanceTransfer(engine, id, never)));
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await Promise.all(rows.map(({ id }) => stage.find(id)))).map(({ state }) => state)).toEqual([
    'succeeded',
    'queued',
    'succeeded',
  ]);
});

it('judges orders that come together one by one: new, repeated, or conflicting', async () => {
  const accept = (externalId: string, amount: number) =>
    acceptTransfer(stage.ledger, new Set(['default']), {
      account: 'default',
      owner: 'admin',
      body: { ...order, externalId, amount, metadata: { note: 'a "quoted" \\ line' } },
    });
  const [one, twin, other, two] = await Promise.allSettled([
    accept('together-1', 100),
    accept('together-1', 100),
    accept('together-1', 200),
    accept('together-2', 100),
  ]);
  expect([one, twin, two]).toMatchObject([
    { value: { replayed: false } },
    { value: { replayed: true } },
    { value: { replayed: false } },
  ]);
  expect(other).toMatchObject({ status: 'rejected', reason: expect.any(IdempotencyConflict) });
  const transfers = await stage.ledger.db.selectFrom('kpay.transfers').select(['external_id', 'metadata']).execute();
  expect(transfers.toSorted((a, b) => String(a.external_id).localeCompare(String(b.external_id)))).toEqual([
    { external_id: 'together-1', metadata: { note: 'a "quoted" \\ line' } },
    { external_id: 'together-2', metadata: { note: 'a "quoted" \\ line' } },
  ]);
});
