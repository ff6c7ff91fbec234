import { execFileSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TemporaryFolder, temporaryFolder } from '@kpay/testkit';

/** Until there is a release, the version before this one is the last commit before the ledger's newest migration. */
const MIGRATIONS = ['packages/ledger/src/migrations', 'packages/transfers/src/ledger/migrations'];
/** The packages of its apps, as far as that version had them. */
const PARTS = [
  'apps/worker',
  'apps/admin-api',
  'packages/core',
  'packages/ledger',
  'packages/producer',
  'packages/runtime',
  'packages/transfers',
];
const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Its sources in a folder of their own, from this repository's history, on the dependencies that are installed here: it needs no
 * others.
 */
export function unpackPreviousVersion(): TemporaryFolder {
  const folder = temporaryFolder();
  try {
    const commit = previousCommit();
    const parts = git('ls-tree', '--name-only', commit, ...PARTS)
      .toString()
      .trim()
      .split('\n');
    const sources = git('archive', commit, 'package.json', 'tsconfig.base.json', ...parts);
    execFileSync('tar', ['-x', '-C', folder.path], { input: sources });
    linkDependencies(folder.path, parts);
    return folder;
  } catch (error) {
    folder.remove();
    throw error;
  }
}

function previousCommit(): string {
  // A shallow clone gets the missing history.
  if (git('rev-parse', '--is-shallow-repository').toString().trim() === 'true') git('fetch', '--quiet', '--unshallow', 'origin');
  const newest = git('log', '--diff-filter=A', '-1', '--format=%H', '--', ...MIGRATIONS)
    .toString()
    .trim();
  return git('rev-parse', '--verify', `${newest}^`).toString().trim();
}

function git(...args: readonly string[]): Buffer {
  // Accepts any owner of the folder, because nothing in it is run.
  return execFileSync('git', ['-c', 'safe.directory=*', '-C', PROJECT, ...args], {
    maxBuffer: 1e9,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/**
 * pnpm's links lead from each package to others beside it and, through the project's node_modules, to what is
 * installed.
 */
function linkDependencies(to: string, parts: readonly string[]): void {
  symlinkSync(join(PROJECT, 'node_modules'), join(to, 'node_modules'));
  for (const part of parts) {
    const links = join(part, 'node_modules');
    cpSync(join(PROJECT, links), join(to, links), { recursive: true, verbatimSymlinks: true });
  }
}
