import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRedis } from '@kpay/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { createStage } from './stage.ts';

const redis = await startRedis();
const url = 'unavailable' in redis ? '' : redis.url;
const why = 'unavailable' in redis ? ` (${redis.unavailable})` : '';
const { work, close } = createStage(url);
// Inside the package, so that the example finds @kpay/producer and its dependencies by name.
const folder = mkdtempSync(join(import.meta.dirname, 'readme-'));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await close();
  if (!('unavailable' in redis)) await redis.stop();
});

describe.skipIf('unavailable' in redis)(`the README${why}`, () => {
  it('shows an example that runs', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
    const example = join(folder, 'example.ts');
    writeFileSync(example, /```ts\n(.*?)```/s.exec(readme)?.[1] ?? 'throw new Error("there is no example")');
    work('default');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=@kpay/source', example], {
      env: { ...process.env, REDIS_URL: url },
      timeout: 15_000,
    });
    expect(stderr).toBe('');
    expect(stdout).toBe('in the ledger as transfer-of-payroll-2026-11\nmoved 50000 at 1\n');
  });
});
