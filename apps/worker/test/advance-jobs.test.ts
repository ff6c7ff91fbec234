import { randomUUID } from 'node:crypto';
import { eventually } from '@kpay/testkit';
import { acceptTransfer, type TransferRow } from '@kpay/transfers';
import { sweepDue } from '@kpay/transfers/worker';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage();
});
afterAll(() => stage.close());

/** Accepts a transfer without adding an advance job, as if the job was lost. */
async function accept(externalId: string, more: { priority?: number } = {}): Promise<TransferRow> {
  const asked = { account: 'default', owner: 'admin', body: { ...order(externalId), ...more } };
  return (await acceptTransfer(stage.ledger, new Set(['default']), asked)).transfer;
}

async function succeeded(id: string): Promise<TransferRow> {
  return eventually(
    async () => {
      const row = await stage.find(id);
      expect(row.state).toBe('succeeded');
      return row;
    },
    { timeoutMs: 15_000 },
  );
}

function effects(row: TransferRow): number {
  return stage.simulator.control.truth({ externalId: row.kpay_external_id }).transfers.length;
}

describe('the advance queue can be lost at any moment', () => {
  it('wiped while rows are due: the sweep finds every one, and each is sent once', async () => {
    const rows = await Promise.all(Array.from({ length: 30 }, (_, n) => accept(`wiped-${n}`)));
    await stage.advanceQueue.obliterate({ force: true });
    for (const row of rows) {
      await succeeded(row.id);
      expect(effects(row)).toBe(1);
    }
  });

  it('a send whose process died is found by its lease and sent again under the same id', async () => {
    await stage.stopWorker();
    const row = await accept('abandoned');
    await leaveUnderWay(row);
    await stage.startWorker();
    expect(await succeeded(row.id)).toMatchObject({ possibly_sent: true, attempts: 2, confirmed_by: 'answer' });
    expect(effects(row)).toBe(1);
  });

  it('a send whose process died is found before any backlog, and taken first', async () => {
    await stage.stopWorker();
    const row = await accept('abandoned behind a backlog', { priority: 0 });
    await leaveUnderWay(row);
    // With this many waiting jobs only the most urgent rows get one, and the abandoned row is not among them.
    await Promise.all(Array.from({ length: 51 }, (_, n) => accept(`before-${n}`, { priority: 9 })));
    await stage.advanceQueue.addBulk(
      Array.from({ length: 500 }, () => ({ name: 'advance', data: { transferId: randomUUID() }, opts: { priority: 1 } })),
    );
    await sweepDue(stage.ledger, 'default', stage.advanceQueue);
    const [first] = await stage.advanceQueue.getJobs(['wait']);
    expect(first?.data).toEqual({ transferId: row.id });
    await stage.startWorker();
    expect(await succeeded(row.id)).toMatchObject({ attempts: 2 });
  });

  /** The state of the ledger after a process was killed a minute ago, right before it wrote its request. */
  async function leaveUnderWay({ id, kpay_external_id }: TransferRow): Promise<void> {
    const { application_id, base_url, environment } = await stage.ledger.db
      .selectFrom('kpay.accounts')
      .selectAll()
      .executeTakeFirstOrThrow();
    const body = JSON.stringify({
      applicationId: application_id,
      sourceCountry: 'CMR',
      destinationCountry: 'GAB',
      amount: 50_000,
      externalId: kpay_external_id,
    });
    await stage.ledger.transaction(async ({ db }) => {
      await sql`
        update kpay.transfers set state = 'submitting', version = version + 1, attempts = 1, send_body = ${body},
          pinned_base_url = ${base_url}, pinned_environment = ${environment}, pinned_application_id = ${application_id},
          lease_until = now() - interval '15 s', due_at = now() - interval '15 s' where id = ${id}`.execute(db);
      await sql`
        insert into kpay.attempts (transfer_id, number, account, worker, started_at, lease_until, body_hash)
        values (${id}, 1, 'default', 'dead', now() - interval '60 s', now() - interval '15 s', '')`.execute(db);
    });
  }
});
