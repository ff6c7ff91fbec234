import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, openAsBlob, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';

const CACHE = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/.cache');

/**
 * An empty database for PGlite. PGlite needs seconds of processor time to make one and a quarter of that to open one.
 * So it is made once for all tests and kept beside the dependencies until another version of PGlite is installed.
 *
 * @returns what PGlite loads into memory (`loadDataDir`).
 */
export async function emptyDatabaseDump(): Promise<Blob> {
  return openAsBlob(join(await emptyDatabase(), 'postgres.tar'));
}

/** A temporary folder with an empty embedded database, as a first start leaves it behind. */
export async function embeddedDataFolder(): Promise<TemporaryFolder> {
  const folder = temporaryFolder();
  cpSync(join(await emptyDatabase(), 'postgres'), join(folder.path, 'postgres'), { recursive: true });
  writeFileSync(join(folder.path, 'postgres.created'), '');
  return folder;
}

/** Makes the empty database if it does not exist yet. @returns its folder. */
export async function emptyDatabase(): Promise<string> {
  // The path of the installed package contains its version.
  const version = createHash('sha256')
    .update(createRequire(import.meta.url).resolve('@electric-sql/pglite'))
    .digest('hex')
    .slice(0, 12);
  const made = join(CACHE, `empty-database-${version}`);
  if (!existsSync(made)) await makeEmptyDatabase(made);
  return made;
}

async function makeEmptyDatabase(made: string): Promise<void> {
  const { PGlite } = await import('@electric-sql/pglite');
  const { pg_trgm } = await import('@electric-sql/pglite/contrib/pg_trgm');
  const making = `${made}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  const pglite = await PGlite.create({ dataDir: join(making, 'postgres'), extensions: { pg_trgm } });
  writeFileSync(join(making, 'postgres.tar'), await (await pglite.dumpDataDir('none')).bytes());
  await pglite.close();
  try {
    renameSync(making, made);
  } catch (error) {
    // Another process was first.
    if (!existsSync(made)) throw error;
    rmSync(making, { recursive: true });
  }
}
