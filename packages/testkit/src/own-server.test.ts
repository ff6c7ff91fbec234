import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { eventually } from './eventually.ts';
import { inContainers, unavailable } from './own-server.ts';
import { findProgram } from './run-local.ts';
import { startPostgres } from './start-postgres.ts';
import { startRedis } from './start-redis.ts';
import { temporaryFolder } from './temporary-folder.ts';

afterEach(() => void vi.unstubAllEnvs());

for (const [name, start] of Object.entries({ startRedis, startPostgres })) {
  it(`${name} is ready when it is given, and leaves no process behind`, async ({ skip }) => {
    const server = await start();
    if ('unavailable' in server) return skip(server.unavailable);
    expect(isAlive(server.pid)).toBe(true);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    await server.stop();
  });
}

it('a restarted Postgres has its data, and so has a Redis that writes to disk', async ({ skip }) => {
  const postgres = await startPostgres();
  if ('unavailable' in postgres) return skip(postgres.unavailable);
  onTestFinished(postgres.stop);
  const redis = await startRedis(['--appendonly', 'yes']);
  if ('unavailable' in redis) return skip(redis.unavailable);
  onTestFinished(redis.stop);

  const query = async (sql: string) => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    return client.query(sql).finally(() => client.end());
  };
  const command = async <T>(run: (client: Redis) => Promise<T>) => {
    const client = new Redis(redis.url);
    return run(client).finally(() => client.disconnect());
  };
  await query('create table kept as select 7 as number');
  await command((client) => client.set('kept', '7'));
  const before = [postgres.pid, redis.pid];
  await Promise.all([postgres.restart(), redis.restart()]);

  expect((await query('select number from kept')).rows).toEqual([{ number: 7 }]);
  expect(await command((client) => client.get('kept'))).toBe('7');
  expect(before.map(isAlive)).toEqual([false, false]);
  expect([postgres.pid, redis.pid].map(isAlive)).toEqual([true, true]);
});

it('a paused server can still be killed', async ({ skip }) => {
  const server = await startRedis();
  if ('unavailable' in server) return skip(server.unavailable);
  await server.pause();
  await eventually(() => expect(stateOf(server.pid)).toMatch(/^[TD]$/));
  await server.kill();
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
});

// A container that a killed run leaves behind is for testcontainers' own helper to remove.
it.skipIf(inContainers())('a server ends with the process that started it, even by SIGKILL', async ({ skip }) => {
  if (findProgram(['setpriv']) === undefined) return skip(unavailable('there is no setpriv to tie servers to us').unavailable);
  const script = join(import.meta.dirname, '../test/start-servers.ts');
  // It cannot remove its folders when it is killed; they are all in this one, which Postgres' user must get through.
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  onTestFinished(folder.remove);
  const child = spawn(process.execPath, ['--conditions=@kpay/source', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder.path },
  });
  const [line] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  for (const pid of String(line).trim().split(' ')) await eventually(() => expect(stateOf(Number(pid))).toMatch(/^Z?$/));
});

it('what cannot be had says why, and fails where everything must be had', () => {
  vi.stubEnv('KPAY_TEST_STRICT', '');
  expect(unavailable('there is no such server')).toEqual({ unavailable: 'there is no such server' });
  vi.stubEnv('KPAY_TEST_STRICT', '1');
  expect(() => unavailable('there is no such server')).toThrow('KPAY_TEST_STRICT=1 and there is no such server');
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function stateOf(pid: number): string {
  return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.slice(0, 1);
}
