import { EventEmitter } from 'node:events';
import type { EmbeddedDatabase } from './open-embedded-database.ts';

/**
 * The embedded database in the form that BullMQ needs: a `pg.Pool` with a spare client for LISTEN. The session has no
 * spare client and needs none. It listens for all, and each client here takes it for one statement at a time. There is
 * one pool for each queue or worker, because BullMQ adds listeners that it never removes.
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
