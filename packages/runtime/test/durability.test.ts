import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderInUse, openEmbeddedDatabase } from '@kpay/runtime';
import { embeddedDataFolder, eventually, findProgram, type TemporaryFolder, unavailable } from '@kpay/testkit';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';

const COMMITS = 50;
const logger = pino({ level: 'silent' });

let folder: TemporaryFolder;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await embeddedDataFolder();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  }
  folder.remove();
});

function run(script: string, ...args: string[]): { child: ChildProcess; lines: () => string[] } {
  return start(process.execPath, ...nodeArgs(script, args));
}

function nodeArgs(script: string, args: string[]): string[] {
  return ['--conditions=@kpay/source', join(import.meta.dirname, script), folder.path, ...args];
}

function start(program: string, ...args: string[]): { child: ChildProcess; lines: () => string[] } {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  return { child, lines: () => text.split('\n').slice(0, -1) };
}

it('opens a busy folder for nobody else; SIGKILL frees it and loses no commit', async () => {
  for (const round of [1, 2]) {
    const { child, lines } = run('insert-rows.ts', '1000000');
    await eventually(() => expect(lines().length).toBeGreaterThan(COMMITS), { timeoutMs: 60_000 });

    const refused = openEmbeddedDatabase({ dataDir: folder.path, logger });
    await expect(refused).rejects.toBeInstanceOf(FolderInUse);
    await expect(refused).rejects.toThrow(
      `another kpay is running on the data folder ${folder.path}: stop it first, or set KPAY_DATA_DIR to a folder of its own`,
    );

    child.kill('SIGKILL');
    await once(child, 'exit');
    const acknowledged = Number(lines().at(-1));
    const database = await openEmbeddedDatabase({ dataDir: folder.path, logger });
    const db = database.kysely();
    const { rows } = await sql<{ n: number }>`select n from kpay.row order by n`.execute(db);
    const expected = Array.from({ length: acknowledged }, (_, index) => index + 1);
    expect(
      rows.slice(0, acknowledged).map(({ n }) => n),
      `round ${round}`,
    ).toEqual(expected);
    await sql`truncate kpay.row`.execute(db);
    await database.close();
  }
}, 90_000);

it('the kernel is asked for one fsync at least for each commit', async ({ skip }) => {
  const strace = findProgram(['strace']);
  const works = strace !== undefined && spawnSync(strace, ['-o', '/dev/null', process.execPath, '-v']).status === 0;
  if (!works) return skip(unavailable('there is no strace that may trace: fsyncs are only counted in the process').unavailable);

  const trace = join(folder.path, 'trace');
  const { child } = start(
    strace,
    ...['-f', '-e', 'trace=fsync,fdatasync,write', '-o', trace, process.execPath],
    ...nodeArgs('insert-rows.ts', [String(COMMITS)]),
  );
  await once(child, 'exit');
  const calls = readFileSync(trace, 'utf8').split('\n');
  const between = calls.slice(
    calls.findIndex((call) => call.includes('"begin\\n"')),
    calls.findIndex((call) => call.includes('"end\\n"')),
  );
  // A call during which another thread of the process was traced stands in two lines; the second has its result.
  const synced = /(\bf(data)?sync\(\d+\)|<\.\.\. f(data)?sync resumed>\))\s+= 0/;
  expect(between.filter((call) => synced.test(call)).length).toBeGreaterThanOrEqual(COMMITS);
});
