import { execFileSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TemporaryFolder, temporaryFolder } from '@kpay/testkit';

/**
 * What counts as the version before this one until there is a release: the last commit before the ledger's newest migration, and
 * before callers' jobs waited in the worker's process. Whoever adds a migration, or changes what a job or a hint carries, puts
 * here the commit before that change; once there are releases it is the latest of them.
 */
const PREVIOUS = '7377ef7694821645f1efa504da9f8c9a429dd9b4';
/** What its apps are made of. */
const PARTS = ['apps/worker', 'apps/admin-api', 'packages/core', 'packages/producer', 'packages/runtime', 'packages/transfers'];
const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Its sources in a folder of their own, from this repository's history, on the dependencies that are installed here: it needs no
 * others.
 */
export function unpackPreviousVersion(): TemporaryFolder {
  const folder = temporaryFolder();
  try {
    const sources = git('archive', knownCommit(), 'package.json', 'tsconfig.base.json', ...PARTS);
    execFileSync('tar', ['-x', '-C', folder.path], { input: sources });
    linkDependencies(folder.path);
    return folder;
  } catch (error) {
    folder.remove();
    throw error;
  }
}

/** A clone without history is given the one commit. */
function knownCommit(): string {
  try {
    git('cat-file', '-e', `${PREVIOUS}^{commit}`);
  } catch {
    try {
      git('fetch', '--quiet', '--depth=1', 'origin', PREVIOUS);
    } catch (error) {
      throw new Error(`the previous version, commit ${PREVIOUS}, is not in this clone's history: git fetch --unshallow`, {
        cause: error,
      });
    }
  }
  return PREVIOUS;
}

function git(...args: readonly string[]): Buffer {
  // Whoever the folder belongs to: nothing of it is run.
  return execFileSync('git', ['-c', 'safe.directory=*', '-C', PROJECT, ...args], {
    maxBuffer: 1e9,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** pnpm's links lead from each package to others beside it and, through the project's node_modules, to what is installed. */
function linkDependencies(to: string): void {
  symlinkSync(join(PROJECT, 'node_modules'), join(to, 'node_modules'));
  for (const part of PARTS) {
    const links = join(part, 'node_modules');
    cpSync(join(PROJECT, links), join(to, links), { recursive: true, verbatimSymlinks: true });
  }
}
