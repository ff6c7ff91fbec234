import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import pg from 'pg';
import { GuardedPool } from '../database.ts';
import type { EmbeddedSession } from './embedded-session.ts';

/** A `pg.Pool` over the one session. The owner of the client owns the session, from BEGIN to COMMIT and beyond. */
export class EmbeddedPool extends GuardedPool {
  #takeBack: ((error: Error) => void) | undefined;

  constructor(session: EmbeddedSession, onError: (error: Error) => void) {
    super({ Client: clientOf(session), max: 1, idleTimeoutMillis: 0 }, onError);
  }

  /**
   * Takes the session from its owner and rolls back. The owner gets the error at its next statement, so that a
   * transaction that was rolled back is never mistaken for a committed one.
   */
  takeSession(error: Error): void {
    this.#takeBack?.(error);
  }

  protected override lend(client: pg.PoolClient): void {
    const release = client.release.bind(client);
    // pg-pool drops a client after a failed statement. But the session is still good, and a new client would start to
    // use it while the old client's last messages are still being answered.
    client.release = () => {
      this.#takeBack = undefined;
      release();
    };
    this.#takeBack = (error) => {
      this.#takeBack = undefined;
      release(error);
      Object.assign(client, { query: () => Promise.reject(error), release: () => {} });
    };
  }
}

/** A real `pg.Client` whose connection is the session. */
function clientOf(session: EmbeddedSession): new () => pg.Client {
  return class extends pg.Client {
    constructor() {
      super(createPgConfig(session));
    }
  };
}
