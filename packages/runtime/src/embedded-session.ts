import { setImmediate } from 'node:timers/promises';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';

type ProtocolOptions = Parameters<PGlite['execProtocolStream']>[1];
type ProtocolAnswer = Awaited<ReturnType<PGlite['execProtocolStream']>>;

const QUERY = 'Q'.charCodeAt(0);
const SYNC = 'S'.charCodeAt(0);

/** PGlite as the one session behind a `pg.Client`, whose messages arrive in `execProtocolStream` one by one. */
export class EmbeddedSession extends PGlite {
  readonly #idle: { limitMs: number; onIdle: () => void };
  #pending: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param idle called when an open transaction did nothing for so long; PGlite ignores Postgres' own setting. */
  constructor(options: PGliteOptions, idle: { limitMs: number; onIdle: () => void }) {
    super(options);
    this.#idle = idle;
  }

  override async execProtocolStream(message: Uint8Array, options?: ProtocolOptions): Promise<ProtocolAnswer> {
    clearTimeout(this.#timer);
    this.#pending.push(message);
    // A statement is parse, bind, describe, execute and sync: nothing is lost by running them at the last one.
    if (message[0] !== SYNC && message[0] !== QUERY) return [];
    // The database computes on this thread. Without a turn of the loop before each statement a busy ledger would
    // keep timers and sockets waiting.
    await setImmediate();
    const statement = Buffer.concat(this.#pending.splice(0));
    const answer = await super.execProtocolStream(statement, options);
    if (this.isInTransaction()) this.#timer = setTimeout(this.#idle.onIdle, this.#idle.limitMs);
    return answer;
  }

  override async close(): Promise<void> {
    clearTimeout(this.#timer);
    await super.close();
  }
}
