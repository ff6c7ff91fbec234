import { EventEmitter } from 'node:events';
import type { EmbeddedDatabase } from './open-embedded-database.ts';

/**
 * The embedded database as BullMQ asks for one: a `pg.Pool` that can spare a client for LISTEN. The session cannot
 * be spared, and need not be: it listens for all, and each client here only takes a turn of it for each statement.
 * One for each queue or worker, since BullMQ adds listeners that it never removes.
 */
export function queuePool(database: EmbeddedDatabase): EventEmitter {
  const query = (text: string, values?: unknown[]) => database.pool.query(text, values);
  const connect = async () => {
    const client = new EventEmitter();
    const stop = database.onNotification((channel, payload) => client.emit('notification', { channel, payload }));
    return Object.assign(client, { query, release: stop });
  };
  return Object.assign(new EventEmitter(), { query, connect, end: async () => {} });
}
