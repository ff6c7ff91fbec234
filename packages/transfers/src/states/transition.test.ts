import type { TransferChanges } from '@kpay/ledger';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestLedger, type TestLedger } from '../../../ledger/test/test-ledger.ts';
import { acceptTransfer, legalTransitions, type TransferRow, type TransferState, transferStates } from '../index.ts';
import { transition, transitionMany } from './transition.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await openTestLedger();
});
beforeEach(() => ledger.empty());
afterAll(() => ledger.close());

const body = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

async function accepted(): Promise<TransferRow> {
  return (await acceptTransfer(ledger, new Set(['default']), { account: 'default', owner: 'admin', body })).transfer;
}

/** The columns that a row needs to be in each state. */
function fieldsOf(state: TransferState): TransferChanges {
  const soon = new Date(Date.now() + 60_000);
  if (state === 'submitting') return { lease_until: soon, due_at: soon, send_body: '{}' };
  if (state === 'unconfirmed') return { possibly_sent: true, due_at: soon };
  if (state === 'holding') return { hold_until: soon, due_at: soon, reason_code: 'test', reason: 'a test' };
  return state === 'queued' ? { due_at: soon } : {};
}

/** A transfer put into a state without asking the guard, as a row of the past would be. */
async function transferIn(state: TransferState): Promise<TransferRow> {
  await ledger.empty();
  const { id } = await accepted();
  await sql`alter table kpay.transfers disable trigger guard_transfer`.execute(ledger.db);
  const row = await ledger.db
    .updateTable('kpay.transfers')
    .set({ state, finished_at: legalTransitions[state].length === 0 ? new Date() : null, due_at: null, ...fieldsOf(state) })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await sql`alter table kpay.transfers enable trigger guard_transfer`.execute(ledger.db);
  return row;
}

describe('transitions', () => {
  it('are the same in the code and in the ledger', async () => {
    const rows = await ledger.db.selectFrom('kpay.legal_moves').selectAll().execute();
    const inLedger = rows.map(({ from_state, to_state }) => `${from_state} → ${to_state}`).sort();
    const inCode = transferStates.flatMap((from) => legalTransitions[from].map((to) => `${from} → ${to}`)).sort();
    expect(inLedger).toEqual(inCode);
  });

  it.each(transferStates)('from %s: legal ones are made with their event, the ledger refuses the others', async (from) => {
    for (const to of transferStates.filter((state) => state !== from)) {
      const row = await transferIn(from);
      // Only a person moves a possibly sent transfer out of these states.
      const set = {
        ...fieldsOf(to),
        ...(row.possibly_sent || to === 'unconfirmed' ? { possibly_sent: true, resolved_by: 'a test' } : {}),
      };
      const moving = ledger.transaction((tx) =>
        transition(tx, row, { to, type: 'held', actor: 'test', reasonCode: 'check_failed', reason: 'a test', set }),
      );
      if (!legalTransitions[from].includes(to)) {
        await expect(moving, `${from} → ${to}`).rejects.toThrow(`no move from ${from} to ${to}`);
        continue;
      }
      expect(await moving, `${from} → ${to}`).toMatchObject({ state: to, version: 2 });
      const events = await ledger.db.selectFrom('kpay.transfer_events').selectAll().where('version', '=', 2).execute();
      expect(events).toMatchObject([{ from_state: from, to_state: to, type: 'held', actor: 'test' }]);
    }
  });

  it('lose against whoever moved first, and then write nothing', async () => {
    const row = await accepted();
    const cancel = () => ledger.transaction((tx) => transition(tx, row, { to: 'cancelled', type: 'cancelled', actor: 'test' }));
    expect(await cancel()).toMatchObject({ state: 'cancelled' });
    expect(await cancel()).toBeUndefined();
    expect(await ledger.db.selectFrom('kpay.transfer_events').selectAll().where('type', '=', 'cancelled').execute()).toHaveLength(
      1,
    );
  });

  it('lose to a restored ledger at the same version in another state, singly and many', async () => {
    const known = { state: 'holding' } as const;
    const [one, other] = [
      { ...(await accepted()), ...known },
      { ...(await accepted()), ...known },
    ];
    const step = { to: 'queued', type: 'held', actor: 'test', set: { due_at: new Date() } } as const;
    expect(await ledger.transaction((tx) => transition(tx, one, step))).toBeUndefined();
    const transitions = [one, other].map((row) => ({ row, step }));
    expect(await ledger.transaction((tx) => transitionMany(tx, transitions))).toEqual([undefined, undefined]);
  });
});

describe('the ledger refuses', () => {
  const change = (row: TransferRow, set: Record<string, unknown>) =>
    ledger.db.updateTable('kpay.transfers').set(set).where('id', '=', row.id).execute();

  it.each([
    ['another amount', { amount_minor: '1', version: 2 }],
    ['another id at KPay', { kpay_external_id: '0a1b2c3d-0000-5000-8000-000000000009', version: 2 }],
    ['another source', { source_country: 'GAB', version: 2 }],
  ])('%s', async (_what, set) => {
    await expect(change(await accepted(), set)).rejects.toThrow('what is sent to KPay never changes');
  });

  it('another body once one is fixed', async () => {
    const row = await transferIn('submitting');
    await expect(change(row, { send_body: '{"amount":1}', version: 2 })).rejects.toThrow('never changes');
  });

  it('a possibly sent transfer outside its three states until a person resolved it', async () => {
    const row = await transferIn('review');
    await expect(change(row, { possibly_sent: true, state: 'failed', version: 2, finished_at: new Date() })).rejects.toThrow(
      'check',
    );
    await change(row, { possibly_sent: true, state: 'failed', version: 2, finished_at: new Date(), resolved_by: 'a person' });
  });

  it('a change of state without a new version', async () => {
    await expect(change(await accepted(), { state: 'cancelled', finished_at: new Date() })).rejects.toThrow('cannot follow');
  });
});
