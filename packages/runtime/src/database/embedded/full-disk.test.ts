import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { temporaryFolder } from '@kpay/testkit';
import { pino } from 'pino';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { openEmbeddedDatabase } from './open-embedded-database.ts';

const LATEST_MS = 10_000;
const logger = pino({ level: 'silent' });
const { writeSync } = fs;

function fillDisk(): void {
  const full = () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28 });
  };
  fs.writeSync = full as typeof fs.writeSync;
  syncBuiltinESMExports();
}

afterEach(() => {
  fs.writeSync = writeSync;
  syncBuiltinESMExports();
});

async function open(onLost?: (error: Error) => void) {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  return { folder, database: await openEmbeddedDatabase({ dataDir: folder.path, logger, ...(onLost && { onLost }) }) };
}

it('reports a disk that fills while the log grows within 10 s, then fails at once', async () => {
  const lost = Promise.withResolvers<Error>();
  const { folder, database } = await open(lost.resolve);
  fillDisk();
  const startedMs = performance.now();
  const fill = async () => {
    for (;;) await database.pool.query(`select pg_logical_emit_message(true, 'x', repeat('x', 500000))`);
  };
  const failed = fill().catch((error: unknown) => error);
  expect((await lost.promise).message).toMatch(
    new RegExp(`^the embedded database in ${folder.path} stopped \\(.*\\): free space on its disk, then start again$`),
  );
  expect(performance.now() - startedMs).toBeLessThan(LATEST_MS);
  expect(await failed).toBeInstanceOf(Error);
});

it('a disk that is full at the first start is told in one line', async () => {
  fillDisk();
  await expect(open()).rejects.toThrow(/^the embedded database in .* cannot be opened \(.*\): check that its disk has space/);
}, 60_000);
