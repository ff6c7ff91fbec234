import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRedis } from '@kpay/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { createStage } from './stage.ts';

const root = join(import.meta.dirname, '../../..');
const redis = await startRedis();
const url = 'unavailable' in redis ? '' : redis.url;
const why = 'unavailable' in redis ? ` (${redis.unavailable})` : '';
const { work, close } = createStage(url);
// Inside the package, so that the examples find @kpay/producer and its dependencies by name.
const folder = mkdtempSync(join(import.meta.dirname, 'readme-'));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await close();
  if (!('unavailable' in redis)) await redis.stop();
});

const examplesOf = (readme: string) =>
  [...readFileSync(readme, 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
const ours = examplesOf(join(import.meta.dirname, '../README.md'));
const ofTheProject = examplesOf(join(root, 'README.md')).filter((code) => code.includes('@kpay/producer'));
const run = promisify(execFile);

it('the READMEs show examples that compile', { timeout: 60_000 }, async () => {
  expect([ours.length, ofTheProject.length]).toEqual([6, 1]);
  for (const [n, code] of [...ours, ...ofTheProject].entries()) writeFileSync(join(folder, `example-${n}.ts`), code);
  const compilerOptions = { composite: false, noEmit: true, declaration: false };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] }),
  );
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder]).catch(({ stdout }) => expect(stdout).toBe(''));
});

describe.skipIf('unavailable' in redis)(`the README${why}`, () => {
  it('shows examples that run', async () => {
    work('default');
    const outputs = await Promise.all(
      ours.map(async (code, n) => {
        const file = join(folder, `run-${n}.ts`);
        writeFileSync(file, code);
        const env = { ...process.env, REDIS_URL: url, KPAY_TOKEN: 'a-token' };
        const { stdout, stderr } = await run(process.execPath, ['--conditions=@kpay/source', file], { env, timeout: 15_000 });
        expect(stderr).toBe('');
        return stdout;
      }),
    );
    expect(outputs).toEqual([
      'in the ledger as transfer-of-payroll-2026-11\nmoved 50000 at 1\n',
      '',
      'enqueued invoice-7 42\n',
      'succeeded transfer-of-invoice-8 kpay-1 1 50000\n',
      'invoice-9 true\n',
      '500\n',
    ]);
  });
});
