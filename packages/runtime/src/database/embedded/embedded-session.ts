import { setImmediate } from 'node:timers/promises';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import { unlessStuck } from '../../process/unless-stuck.ts';

// PGlite computes the answer on this thread, so an answer takes no time beside the computation.
const SILENT_MS = 5_000;

/**
 * The embedded database stopped, as Postgres does when its log cannot be written. Only a new process can open it again.
 */
export class DatabaseLost extends Error {
  override name = 'DatabaseLost';
}

type ProtocolOptions = Parameters<PGlite['execProtocolStream']>[1];
type ProtocolAnswer = Awaited<ReturnType<PGlite['execProtocolStream']>>;

const QUERY = 'Q'.charCodeAt(0);
const SYNC = 'S'.charCodeAt(0);

/** PGlite as the one session behind a `pg.Client`. Its messages arrive in `execProtocolStream` one by one. */
export class EmbeddedSession extends PGlite {
  readonly #idle: { limitMs: number; onIdle: () => void; onLost: (error: DatabaseLost) => void };
  #lost: DatabaseLost | undefined;
  #pending: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param idle `onIdle` is called when an open transaction was idle for `limitMs`, because PGlite ignores Postgres'
   *   own setting. `onLost` is called once when the database has stopped.
   */
  constructor(options: PGliteOptions, idle: { limitMs: number; onIdle: () => void; onLost: (error: DatabaseLost) => void }) {
    super(options);
    this.#idle = idle;
  }

  override async execProtocolStream(message: Uint8Array, options?: ProtocolOptions): Promise<ProtocolAnswer> {
    clearTimeout(this.#timer);
    this.#pending.push(message);
    // A statement arrives as parse, bind, describe, execute and sync. Running all of them at the last one loses
    // nothing.
    if (message[0] !== SYNC && message[0] !== QUERY) return [];
    // The database computes on this thread. Without a turn of the event loop before each statement, a busy ledger would
    // keep timers and sockets waiting.
    await setImmediate();
    const statement = Buffer.concat(this.#pending.splice(0));
    if (this.#lost) throw this.#lost;
    const answer = await this.#run(super.execProtocolStream(statement, options));
    if (this.isInTransaction()) this.#timer = setTimeout(this.#idle.onIdle, this.#idle.limitMs);
    return answer;
  }

  async #run(asked: Promise<ProtocolAnswer>): Promise<ProtocolAnswer> {
    try {
      return await unlessStuck(asked, SILENT_MS, () => new DatabaseLost(`it has not answered for ${SILENT_MS} ms`));
    } catch (error) {
      if (error instanceof DatabaseLost) this.lose(error);
      else if (error instanceof Error && error.name === 'RuntimeError')
        this.lose(new DatabaseLost(error.message, { cause: error }));
      throw this.#lost ?? error;
    }
  }

  /** Nothing is sent to it any more. */
  lose(error: DatabaseLost): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#idle.onLost(error);
  }

  override async close(): Promise<void> {
    clearTimeout(this.#timer);
    await super.close();
  }
}
