import { eventually, testServerUrls } from '@kpay/testkit';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { openProductionStage } from './production-stage.ts';
import { runApp, startApp } from './start-app.ts';
import { adminToken, runKpay } from './start-kpay.ts';

const ROLE = 'kpay_working_test';
const PASSWORD = 'working-role';
const TIMEOUT_MS = 120_000;

describe.skipIf(!testServerUrls())('the migrating role and the working role', () => {
  it('the working role refuses a missing schema, then moves money without other rights', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { settings, ownerUrl, workingUrl } = await twoRoles();
    const working = { ...settings, DATABASE_URL: workingUrl };

    for (const app of ['worker', 'admin-api'] as const) {
      const refused = await runApp(app, working);
      expect(await refused.ended).toBe(1);
      expect(refused.stderr()).toMatch(/behind this release .*run kpay migrate/);
      expect(refused.stderr()).not.toMatch(/\n\s+at /);
    }

    const migrated = runKpay(['migrate', '--grant', ROLE], { ...settings, DATABASE_URL: ownerUrl });
    expect(await migrated.ended, migrated.stderr()).toMatchObject({ code: 0 });
    expect(migrated.stdout()).toMatch(/0001-ledger.* done\.\n.*has the working rights/s);
    const again = runKpay(['migrate', '--grant', ROLE], { ...settings, DATABASE_URL: ownerUrl });
    expect(await again.ended).toMatchObject({ code: 0 });
    expect(again.stdout()).toContain('was up to date');

    const [worker, api] = await Promise.all([startApp('worker', working), startApp('admin-api', working)]);
    const made = await fetch(`${api.url}/v1/transfers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ externalId: 'least-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000 }),
    });
    const { id } = (await made.json()) as { id: string };
    expect(made.status).toBe(202);
    await eventually(async () => {
      const shown = await fetch(`${api.url}/v1/transfers/${id}`, { headers: { authorization: `Bearer ${adminToken}` } });
      expect(await shown.json()).toMatchObject({ state: 'succeeded' });
    });

    expect(await Promise.all([worker.end('SIGTERM'), api.end('SIGTERM')])).toEqual([0, 0]);

    await onServer(workingUrl, async (client) => {
      const denied = { code: '42501' };
      await expect(client.query(`update kpay.transfer_events set type = 'forged'`)).rejects.toMatchObject(denied);
      await expect(client.query('delete from kpay.transfer_events')).rejects.toMatchObject(denied);
      await expect(client.query('truncate kpay.transfer_events')).rejects.toMatchObject(denied);
      await expect(client.query('delete from kpay.legal_moves')).rejects.toMatchObject(denied);
      await expect(client.query('drop trigger guard_transfer on kpay.transfers')).rejects.toMatchObject(denied);
      await expect(client.query('create table kpay.mine (id int)')).rejects.toMatchObject(denied);
    });
  });

  it('kpay migrate names a role that does not exist, and refuses to run embedded', { timeout: TIMEOUT_MS }, async () => {
    const { settings, ownerUrl } = await twoRoles();
    const nobody = runKpay(['migrate', '--grant', 'no_such_role'], { ...settings, DATABASE_URL: ownerUrl });
    expect(await nobody.ended).toMatchObject({ code: 1 });
    expect(nobody.stderr()).toMatch(/^kpay: there is no role no_such_role in this Postgres/);
    const { REDIS_URL: _, ...embedded } = settings;
    const refused = runKpay(['migrate'], embedded);
    expect(await refused.ended).toMatchObject({ code: 1 });
    expect(refused.stderr()).toContain('kpay migrate needs DATABASE_URL and REDIS_URL');
  });
});

async function twoRoles(): Promise<{ settings: Record<string, string>; ownerUrl: string; workingUrl: string }> {
  const { postgresUrl, databaseUrl, settings: stores } = await openProductionStage();
  await onServer(postgresUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [ROLE]);
    if (rowCount === 0) await client.query(`create role ${ROLE} login password '${PASSWORD}'`);
  });
  const workingUrl = new URL(databaseUrl);
  workingUrl.username = ROLE;
  workingUrl.password = PASSWORD;
  const { DATABASE_URL: _, ...settings } = stores;
  return { settings, ownerUrl: databaseUrl, workingUrl: workingUrl.href };
}

async function onServer(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await use(client).finally(() => client.end());
}
