import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { findBrokenReferences } from './references.ts';

it('the repository names no law, decision, file, link or anchor that is missing', () => {
  expect(findBrokenReferences(dirname(dirname(fileURLToPath(import.meta.url))))).toEqual([]);
});

describe('a reference', () => {
  const root = mkdtempSync(join(tmpdir(), 'references-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const whole: Record<string, string> = {
    'README.md': 'See [the laws](docs/laws.md#law-1-send-once), `send/begin.ts` and decision 0001.\n',
    'docs/laws.md': '# Laws\n\n## Law 1: send once\n',
    'docs/decisions/0001-one.md': '# 0001 — One\n',
    'src/send/begin.ts': "// law 1, docs/decisions/0001, decision 0001\nexport const name = 'law 7 in a string';\n",
  };

  /** What is found when these files differ from the whole repository. */
  function foundWith(changes: Record<string, string | undefined>): string[] {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(root);
    execFileSync('git', ['init', '--quiet'], { cwd: root });
    for (const [file, text] of Object.entries({ ...whole, ...changes })) {
      if (text === undefined) continue;
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return findBrokenReferences(root).map(({ file, line, names }) => `${file}:${line} ${names}`);
  }

  it('that leads somewhere is not found', () => {
    expect(foundWith({})).toEqual([]);
  });

  it('to a removed law is found', () => {
    expect(foundWith({ 'docs/laws.md': '# Laws\n\n## Law 2: send\n' })).toEqual([
      'README.md:1 docs/laws.md#law-1-send-once',
      'src/send/begin.ts:1 law 1',
    ]);
    expect(foundWith({ 'src/other.ts': '// laws 1, 2 and 3\n' })).toEqual(['src/other.ts:1 laws 1, 2 and 3']);
  });

  it('to a removed decision is found', () => {
    expect(foundWith({ 'docs/decisions/0001-one.md': undefined })).toEqual([
      'README.md:1 decision 0001',
      'src/send/begin.ts:1 decisions/0001',
      'src/send/begin.ts:1 decision 0001',
    ]);
  });

  it('to a renamed file is found', () => {
    expect(foundWith({ 'src/send/begin.ts': undefined, 'src/send/start.ts': '' })).toEqual(['README.md:1 send/begin.ts']);
  });

  it('to a file that was deleted and not committed yet is found', () => {
    foundWith({});
    execFileSync('git', ['add', '.'], { cwd: root });
    unlinkSync(join(root, 'src/send/begin.ts'));
    expect(findBrokenReferences(root).map(({ names }) => names)).toEqual(['send/begin.ts']);
  });

  it('by a dead link or anchor is found', () => {
    expect(
      foundWith({ 'docs/more.md': '[gone](../src/gone.md) [here](laws.md) [folder](../src/send/) [none](laws.md#law-9)\n' }),
    ).toEqual(['docs/more.md:1 ../src/gone.md', 'docs/more.md:1 laws.md#law-9']);
  });
});
