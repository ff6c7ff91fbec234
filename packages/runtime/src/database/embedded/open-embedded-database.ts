import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import type { Logger } from 'pino';
import { unlessStuck } from '../../process/unless-stuck.ts';
import { reasonOf, StartError } from '../../start-error.ts';
import { createKysely, type Database, IDLE_IN_TRANSACTION_MS, IdleTransaction } from '../database.ts';
import { DurableFiles, syncFolder, syncTree } from './durable-files.ts';
import { EmbeddedPool } from './embedded-pool.ts';
import { DatabaseLost, EmbeddedSession } from './embedded-session.ts';
import { lockFolder } from './folder-lock.ts';

// Maintenance stops the process, one statement at a time. A minute's work leaves little to clean up.
const MAINTAIN_EVERY_MS = 60_000;

const TABLES = `select oid::regclass::text as name from pg_class where relkind in ('r', 'm') and relpersistence = 'p' order by oid`;

const START_PARAMS = [
  // -F turns fsync off.
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  ...['-c', 'fsync=on', '-c', 'wal_sync_method=fsync'],
  // There is one session, and BullMQ's statements name no schema. All of ours do.
  ...['-c', 'search_path=bullmq'],
  // ANALYZE reads 3,000 rows of a table instead of 30,000, which took 0.4 s and more for the transfers.
  ...['-c', 'default_statistics_target=10'],
  // Each checkpoint removes log beyond this size. Without it the log never shrank from its largest size.
  ...['-c', 'min_wal_size=32MB', '-c', 'max_wal_size=64MB'],
];

export interface EmbeddedDatabase extends Database {
  /** Calls the listener with each NOTIFY that the session listens for, until the returned function is called. */
  onNotification(listener: (channel: string, payload: string) => void): () => void;
  /** Cleans up and writes a checkpoint, because PGlite has no autovacuum. It runs every minute automatically. */
  maintain(): Promise<void>;
}

export interface EmbeddedOptions {
  /** KPAY_DATA_DIR, on a local disk; created when missing. The database is in `postgres` below it. */
  dataDir: string;
  logger: Logger;
  /** How long an open transaction may be idle before it loses the session. */
  idleInTransactionMs?: number;
  /**
   * Called when the database stopped for good, for example on a full disk. By default the process ends with one line
   * and code 1, because everything in it would wait for ever. The next start recovers what was committed.
   */
  onLost?: (error: Error) => void;
}

const OPENED_WITHIN_MS = 30_000;
/** Severities after which a session of Postgres answers nothing any more. */
const ENDS_IT = ['FATAL', 'PANIC'];
/**
 * insufficient_resources. PGlite keeps the descriptor of each file that it could not create on a full disk, until none
 * is left.
 */
const OUT_OF_DESCRIPTORS = '53000';

/**
 * Opens Postgres in this process (PGlite), with commits that reach the disk, behind a real `pg.Pool` of one client.
 *
 * @throws FolderInUse when another process has the folder; StartError when it cannot be written.
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const unlock = lockFolder(options.dataDir);
  try {
    return await openLocked(options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function openLocked(options: EmbeddedOptions, unlock: () => void): Promise<EmbeddedDatabase> {
  const { dataDir, logger, idleInTransactionMs = IDLE_IN_TRANSACTION_MS } = options;
  const onLost = (error: Error) => {
    const line = `the embedded database in ${dataDir} stopped (${error.message}): free space on its disk, then start again`;
    logger.fatal({ err: error }, line);
    if (options.onLost) return options.onLost(new Error(line, { cause: error }));
    process.stderr.write(`kpay: ${line}\n`);
    process.exit(1);
  };
  const onIdle = () => {
    const error = new IdleTransaction(
      'a transaction did nothing for too long and was rolled back: await nothing in it but its client',
    );
    logger.error({ err: error }, error.message);
    pool.takeSession(error);
  };
  const session = new EmbeddedSession(
    // The ledger's text search needs it.
    { fs: prepareFiles(dataDir), startParams: START_PARAMS, extensions: { pg_trgm } },
    { limitMs: idleInTransactionMs, onIdle, onLost },
  );
  const late = () => new DatabaseLost(`not open after ${OPENED_WITHIN_MS / 1_000} s`);
  try {
    await unlessStuck(session.waitReady, OPENED_WITHIN_MS, late);
    await markCreated(dataDir);
  } catch (error) {
    const what = `the embedded database in ${dataDir} cannot be opened (${whyNotOpened(error)})`;
    throw new StartError(`${what}: check that its disk has space and that it is whole`, { cause: error });
  }

  const onError = (error: Error) => logger.error({ err: error }, 'the embedded database failed');
  const pool = new EmbeddedPool(session, onError);

  pool.on('connect', (client) => {
    (client as unknown as { connection: NodeJS.EventEmitter }).connection.on(
      'errorMessage',
      ({ severity, code, message }: { severity?: string; code?: string; message?: string }) => {
        if (ENDS_IT.includes(severity ?? '') || code === OUT_OF_DESCRIPTORS) session.lose(new DatabaseLost(message));
      },
    );
  });

  let closing: Promise<void> | undefined;
  const maintain = async () => {
    // One table at a time, with a turn of the event loop before each. All at once would stop the process for seconds.
    const { rows } = await pool.query<{ name: string }>(TABLES);
    for (const { name } of rows) {
      await pool.query(`VACUUM ${name}`);
      await pool.query(`ANALYZE ${name}`);
    }
    await pool.query('CHECKPOINT');
  };
  let maintaining = false;
  const maintainAgain = async () => {
    if (maintaining) return;
    maintaining = true;
    await maintain()
      .catch((error: Error) => {
        // The pool ends after this.
        if (!closing) onError(error);
      })
      .finally(() => {
        maintaining = false;
      });
  };
  const maintenance = setInterval(() => void maintainAgain(), MAINTAIN_EVERY_MS).unref();

  const shut = async () => {
    clearInterval(maintenance);
    await pool.end();
    await session.close();
    unlock();
  };
  return {
    pool,
    kysely: () => createKysely(pool),
    onNotification: (listener) => session.onNotification(listener),
    maintain,
    close: () => (closing ??= shut()),
  };
}

/** Emscripten throws values that are no Error and whose text does not help. */
function whyNotOpened(error: unknown): string {
  return error instanceof Error ? reasonOf(error) : 'its files cannot be written';
}

/**
 * A first start that was interrupted leaves half a database, in which nothing was ever accepted. So it starts again.
 */
function prepareFiles(dataDir: string): DurableFiles {
  const folder = join(dataDir, 'postgres');
  if (!hasEmbeddedDatabase(dataDir)) rmSync(folder, { recursive: true, force: true });
  return new DurableFiles(folder);
}

async function markCreated(dataDir: string): Promise<void> {
  if (hasEmbeddedDatabase(dataDir)) return;
  await syncTree(join(dataDir, 'postgres'));
  writeFileSync(createdMark(dataDir), '', { flush: true });
  syncFolder(dataDir);
}

/** Whether the folder holds a started database. It creates nothing. */
export function hasEmbeddedDatabase(dataDir: string): boolean {
  return existsSync(createdMark(dataDir));
}

function createdMark(dataDir: string): string {
  return join(dataDir, 'postgres.created');
}
