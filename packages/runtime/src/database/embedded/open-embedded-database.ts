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

// All of it stops the process, a statement at a time: what a minute leaves to clean up is little.
const MAINTAIN_EVERY_MS = 60_000;

const TABLES = `select oid::regclass::text as name from pg_class where relkind in ('r', 'm') and relpersistence = 'p' order by oid`;

const START_PARAMS = [
  // -F turns fsync off.
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  ...['-c', 'fsync=on', '-c', 'wal_sync_method=fsync'],
  // There is one session, and BullMQ's statements name no schema. Ours all do.
  ...['-c', 'search_path=bullmq'],
  // ANALYZE reads 3,000 rows of a table, not 30,000: of the transfers those took 0.4 s and more.
  ...['-c', 'default_statistics_target=10'],
  // Each checkpoint gives up what the log has beyond this. It never shrank from the largest it had been.
  ...['-c', 'min_wal_size=32MB', '-c', 'max_wal_size=64MB'],
];

export interface EmbeddedDatabase extends Database {
  /** Calls back with each NOTIFY that the session listens for, until the returned function is called. */
  onNotification(listener: (channel: string, payload: string) => void): () => void;
  /** Cleans up and writes a checkpoint: PGlite has no autovacuum. Runs every minute by itself. */
  maintain(): Promise<void>;
}

export interface EmbeddedOptions {
  /** KPAY_DATA_DIR: created when missing, on a local disk. The database is in `postgres` below it. */
  dataDir: string;
  logger: Logger;
  /** How long an open transaction may do nothing before it loses the session. */
  idleInTransactionMs?: number;
  /**
   * The database stopped for good, as when its log meets a full disk. Unless given the process ends with one line and
   * code 1: everything in it would wait for ever, and the next start recovers what was committed.
   */
  onLost?: (error: Error) => void;
}

const OPENED_WITHIN_MS = 30_000;
/** Severities after which a session of Postgres answers nothing any more. */
const ENDS_IT = ['FATAL', 'PANIC'];
/** insufficient_resources: PGlite keeps the descriptor of each file that a full disk let it not create, until none is left. */
const OUT_OF_DESCRIPTORS = '53000';

/**
 * Opens Postgres inside this process (PGlite), durable to the disk, behind a real `pg.Pool` of one client.
 *
 * @throws FolderInUse when another process has the folder, StartError when it cannot be written.
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
    // The ledger searches texts by it.
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
    // One by one, each with a turn of the loop: all at once would stop the process for seconds.
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
        // Its pool ends under it then.
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

/** What Emscripten throws is no Error, and says nothing that helps. */
function whyNotOpened(error: unknown): string {
  return error instanceof Error ? reasonOf(error) : 'its files cannot be written';
}

/** A first start that was interrupted leaves half a database behind, in which nothing was ever accepted: begin again. */
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

/** Whether a start has been made on this folder. Creates nothing. */
export function hasEmbeddedDatabase(dataDir: string): boolean {
  return existsSync(createdMark(dataDir));
}

function createdMark(dataDir: string): string {
  return join(dataDir, 'postgres.created');
}
