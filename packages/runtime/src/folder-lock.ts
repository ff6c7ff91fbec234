import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf, StartError } from './start-error.ts';

/** The data folder is open in another process, or a second time in this one. */
export class FolderInUse extends StartError {
  override name = 'FolderInUse';
}

// A lock must live exactly as long as its process: a handle that only a caller holds could be collected, and the
// lock would fall with it.
const held = new Map<string, DatabaseSync>();

/**
 * Takes the data folder for this process, creating it when missing. Two PGlite on one folder both open without an
 * error and destroy each other's rows, and their `postmaster.pid` cannot tell; an exclusive SQLite transaction can,
 * and the system ends it with its owner, SIGKILL included. Local disks only.
 *
 * @returns how to give the folder back.
 * @throws FolderInUse at once when somebody has it, StartError when the folder cannot be written.
 */
export function lockFolder(folder: string): () => void {
  const database = openLockFile(folder);
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const inUse = `another kpay is running on the data folder ${folder}: stop it first, or set KPAY_DATA_DIR to a folder of its own`;
    throw new FolderInUse(inUse, { cause: error });
  }
  const path = realpathSync(folder);
  held.set(path, database);
  return () => {
    if (held.delete(path)) database.close();
  };
}

function openLockFile(folder: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(folder, 'lock.sqlite'));
  } catch (error) {
    throw new StartError(`the data folder ${folder} cannot be written (${reasonOf(error)}): set KPAY_DATA_DIR to one that can`, {
      cause: error,
    });
  }
}
