import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

it('the README shows an example that runs', async () => {
  // Inside the package, so that the example finds it by name.
  const folder = mkdtempSync(join(import.meta.dirname, 'readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const file = join(folder, 'example.ts');
  writeFileSync(file, /```ts\n(.*?)```/s.exec(readme)?.[1] ?? 'throw new Error("there is no example")');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=@kpay/source', file], {
    timeout: 15_000,
  });
  expect(stderr).toBe('');
  expect(stdout).toContain("environment: 'TEST'");
  expect(stdout).toContain('{ conserved: true, problems: [] }');
});
