import { setTimeout as delay } from 'node:timers/promises';
import { createTcpProxy, eventually, type OwnServer, startPostgres, startRedis, type Unavailable } from '@kpay/testkit';
import { Redis } from 'ioredis';
import { withDatabase } from './with-database.ts';

// How long until the failure of the primary is noticed.
const NOTICED_AFTER_MS = 2_000;
// How long until a name leads to the new primary after a planned switchover: a record's time to live, a load balancer's
// check.
const NAME_FOLLOWS_AFTER_MS = 5_000;

/** A primary and a standby behind one address, as a provider runs them. */
export interface Replicated {
  /** The address, which stays the same after every failover. */
  url: string;
  /** Kills the primary, promotes the standby, and starts a new standby. */
  failOver(): Promise<void>;
  /**
   * A planned switchover. The primary stops taking writes, the standby catches up and becomes the primary, and the name
   * leads there a few seconds later. The old primary stays, read-only, and keeps its connections.
   */
  switchOver(): Promise<void>;
  close(): Promise<void>;
}

/** How the two servers of a kind are made primary and standby. */
interface Kind {
  openPrimary(): Promise<OwnServer | Unavailable>;
  openStandby(primary: OwnServer): Promise<OwnServer | Unavailable>;
  /** Resolves when the standby has everything that the primary has, and will get everything further. */
  follow(primary: OwnServer, standby: OwnServer): Promise<void>;
  promote(standby: OwnServer): Promise<void>;
  /** From now on the primary refuses writes, and the standby, which has all of them, takes them. */
  handOver(primary: OwnServer, standby: OwnServer): Promise<void>;
}

// Redis replicates after it has answered, so the last writes may be lost with the primary.
const redis: Kind = {
  openPrimary: () => startRedis(['--appendonly', 'yes']),
  openStandby: ({ port }) => startRedis(['--appendonly', 'yes', '--replicaof', `127.0.0.1 ${port}`]),
  async follow(_primary, standby) {
    await eventually(
      async () => {
        const info = await withRedis(standby.url, (client) => client.info('replication'));
        if (!info.includes('master_link_status:up')) throw new Error('the standby does not follow');
      },
      { timeoutMs: 60_000 },
    );
  },
  promote: async ({ url }) => void (await withRedis(url, (client) => client.replicaof('NO', 'ONE'))),
  // FAILOVER holds writes back until the replica has them all, and swaps the two.
  handOver: (primary, standby) =>
    withRedis(primary.url, async (client) => {
      await client.call('FAILOVER', 'TO', '127.0.0.1', String(standby.port));
      await eventually(
        async () => {
          const info = await client.info('replication');
          if (!info.includes('role:slave') || !info.includes('master_link_status:up')) throw new Error('not handed over');
        },
        { timeoutMs: 30_000 },
      );
    }),
};

// A commit is answered when the standby has it too, so nothing that was accepted is lost with the primary.
const postgres: Kind = {
  openPrimary: () => startPostgres(),
  openStandby: (primary) => startPostgres([], primary),
  async follow({ url }) {
    await withDatabase(url, async (client) => {
      await client.query(`alter system set synchronous_standby_names = '*'`);
      await client.query('select pg_reload_conf()');
      await eventually(
        async () => {
          const { rows } = await client.query(
            `select from pg_stat_replication where state = 'streaming' and sync_state = 'sync'`,
          );
          if (rows.length !== 1) throw new Error('the standby does not follow');
        },
        { timeoutMs: 60_000 },
      );
    });
  },
  promote: ({ url }) =>
    withDatabase(url, async (client) => {
      const { rows } = await client.query<{ promoted: boolean }>('select pg_promote(true, 30) as promoted');
      if (!rows[0]?.promoted) throw new Error('the standby did not become the primary');
    }),
  async handOver(primary, standby) {
    await withDatabase(primary.url, async (client) => {
      await client.query('alter system set default_transaction_read_only = on');
      await client.query('select pg_reload_conf()');
      await eventually(
        async () => {
          const { rows } = await client.query<{ left: boolean }>(
            `select exists (select from pg_stat_activity where backend_xid is not null)
                 or exists (select from pg_stat_replication where replay_lsn < pg_current_wal_lsn()) as left`,
          );
          if (rows[0]?.left !== false) throw new Error('writes are still under way');
        },
        { timeoutMs: 30_000 },
      );
    });
    await postgres.promote(standby);
  },
};

export const replicatedRedis = (): Promise<Replicated> => replicate(redis);
export const replicatedPostgres = (): Promise<Replicated> => replicate(postgres);

async function replicate(kind: Kind): Promise<Replicated> {
  let primary = given(await kind.openPrimary());
  let standby = given(await kind.openStandby(primary));
  const demoted: OwnServer[] = [];
  await kind.follow(primary, standby);
  const proxy = await createTcpProxy({
    target: {
      host: '127.0.0.1',
      get port() {
        return primary.port;
      },
    },
  });
  const url = new URL(primary.url);
  url.port = String(proxy.port);
  return {
    url: url.toString(),
    async failOver() {
      const lost = primary;
      await lost.kill();
      await delay(NOTICED_AFTER_MS);
      await kind.promote(standby);
      primary = standby;
      await lost.stop();
      standby = given(await kind.openStandby(primary));
      await kind.follow(primary, standby);
    },
    async switchOver() {
      const old = primary;
      await kind.handOver(old, standby);
      // Kept and new connections both meet a read-only server.
      await delay(NAME_FOLLOWS_AFTER_MS);
      primary = standby;
      demoted.push(old);
      standby = given(await kind.openStandby(primary));
      await kind.follow(primary, standby);
    },
    async close() {
      await proxy.close();
      for (const old of demoted) await old.stop();
      await standby.stop();
      await primary.stop();
    },
  };
}

function given(server: OwnServer | Unavailable): OwnServer {
  // A person who asks for failovers by name must not get a skipped suite.
  if ('unavailable' in server) throw new Error(`failovers need servers of their own: ${server.unavailable}`);
  return server;
}

async function withRedis<T>(url: string, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { maxRetriesPerRequest: 3 });
  client.on('error', () => {});
  return ask(client).finally(() => client.disconnect());
}
