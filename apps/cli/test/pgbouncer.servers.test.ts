import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareLedger } from '@kpay/ledger';
import { createLogger, openPostgres } from '@kpay/runtime';
import {
  createTestDatabase,
  findProgram,
  freePort,
  keepLog,
  runLocal,
  startPostgres,
  temporaryFolder,
  testServerUrls,
} from '@kpay/testkit';
import { type LedgerSchema, migrateLedger } from '@kpay/transfers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkLedger } from '../src/stores/doctor/check-ledger.ts';
import { checkPostgres } from '../src/stores/doctor/check-postgres.ts';

const logger = createLogger({ name: 'test', destination: keepLog('pgbouncer') });
const program = findProgram(['pgbouncer'], ['/usr/sbin']);
const isRoot = process.getuid?.() === 0;

describe.skipIf(!testServerUrls() || program === undefined)('behind PgBouncer as it comes, with session pooling', () => {
  it('makes the ledger; the doctor finds Postgres good, with our limits in force', async () => {
    const server = await startPostgres();
    if ('unavailable' in server) throw new Error(server.unavailable);
    onTestFinished(() => server.stop());
    const url = await startPgBouncer(server.port);
    const database = await openPostgres({ url, logger, prepare: (each) => prepareLedger(each.kysely<LedgerSchema>()) });
    onTestFinished(database.close);
    const { rows } = await database.pool.query(
      `select current_setting('statement_timeout') as limit, current_setting('search_path') as path`,
    );
    expect(rows).toEqual([{ limit: '10s', path: '"$user", public' }]);
    const checked = await checkPostgres(url, logger);
    onTestFinished(async () => checked.database?.close());
    expect(checked.findings[0]).toMatchObject({ verdict: 'good' });
  }, 60_000);
});

describe.skipIf(!testServerUrls())('a role that may not make the extension', () => {
  it('is named as the cause by a migration and by the doctor', async () => {
    const own = await createTestDatabase(testServerUrls()?.postgresUrl ?? '');
    onTestFinished(own.drop);
    const role = `kpay_bare_${process.pid}`;
    const owner = await openPostgres({ url: own.url, logger });
    await owner.pool.query(`create role ${role} login password 'bare'`);
    await owner.pool.query(`create schema kpay authorization ${role}`);
    onTestFinished(async () => {
      await owner.pool.query(`drop owned by ${role} cascade`);
      await owner.pool.query(`drop role ${role}`);
      await owner.close();
    });
    const url = Object.assign(new URL(own.url), { username: role, password: 'bare' }).toString();
    const database = await openPostgres({ url, logger });
    const failed = migrateLedger(database.kysely<LedgerSchema>());
    await expect(failed).rejects.toThrow(/^the role of DATABASE_URL lacks a right .*permission denied/);
    expect((await checkLedger(database)).findings).toMatchObject([{ check: 'pg_trgm', verdict: 'wrong' }]);
    await database.close();
  }, 60_000);
});

async function startPgBouncer(postgresPort: number): Promise<string> {
  const port = await freePort();
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  const users = join(folder.path, 'users.txt');
  const settings = join(folder.path, 'pgbouncer.ini');
  writeFileSync(users, '"kpay" "kpay-test"\n', { mode: 0o644 });
  writeFileSync(
    settings,
    `[databases]\npostgres = host=127.0.0.1 port=${postgresPort}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
      `unix_socket_dir =\nauth_type = trust\nauth_file = ${users}\npool_mode = session\n`,
    { mode: 0o644 },
  );
  const idOf = (flag: string) => spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim();
  const server = await runLocal({
    command: [program ?? '', settings],
    // It refuses to run as root.
    privileges: isRoot ? [`--reuid=${idOf('-u')}`, `--regid=${idOf('-g')}`, '--clear-groups'] : [],
    port,
    url: `postgres://kpay:kpay-test@127.0.0.1:${port}/postgres`,
    stopSignal: 'SIGTERM',
    removeData: folder.remove,
    readyText: 'process up',
  });
  onTestFinished(() => server.stop());
  return server.url;
}
