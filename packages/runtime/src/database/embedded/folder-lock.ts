import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf, StartError } from '../../start-error.ts';

/** The data folder is already open, in another process or in this one. */
export class FolderInUse extends StartError {
  override name = 'FolderInUse';
}

// A lock must live exactly as long as its process. A handle that only a caller holds could be garbage-collected, and
// the lock with it.
const held = new Map<string, DatabaseSync>();

/**
 * Locks the data folder for this process and creates it when missing. Two PGlite on one folder both open without an
 * error and destroy each other's rows, and their `postmaster.pid` does not show it. An exclusive SQLite transaction
 * does, and the system ends it with its process, even after SIGKILL. It works on local disks only.
 *
 * @returns a function that releases the folder.
 * @throws FolderInUse at once when another process has the folder; StartError when the folder cannot be written, or
 *   other users may enter it.
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
    makeFolder(resolve(folder));
    checkPrivate(folder);
    return new DatabaseSync(join(folder, 'lock.sqlite'));
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`the data folder ${folder} cannot be written (${reasonOf(error)}): set KPAY_DATA_DIR to one that can`, {
      cause: error,
    });
  }
}

/**
 * Creates the folder and its parents. `recursive` of mkdirSync never returns where a file system answers ENOENT, as
 * /proc does.
 */
function makeFolder(path: string): void {
  const isThere = () => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isThere()) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!isThere()) throw error;
  }
}

const OTHERS = 0o007;
const GROUP_AND_OTHERS = 0o077;

/**
 * Checks that other users cannot enter the folder. A writer could change the ledger; a reader would see phone numbers
 * and hashes of keys. A folder of another owner may be open to the group, because platforms mount volumes so, and we
 * are in that group.
 */
function checkPrivate(folder: string): void {
  const uid = process.getuid?.();
  // Windows has no such permissions.
  if (uid === undefined) return;
  const { mode, uid: owner } = statSync(folder);
  const isOurs = owner === uid;
  if ((mode & (isOurs ? GROUP_AND_OTHERS : OTHERS)) === 0) return;
  const fix = `chmod ${isOurs ? '700' : 'o-rwx'} ${folder}`;
  throw new StartError(`the data folder ${folder} is open to other users of this machine: run ${fix}`, { fix });
}
