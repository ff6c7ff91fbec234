import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import type { OwnServer, Unavailable } from './own-server.ts';
import { startRedis } from './start-redis.ts';

const MASTERS = 3;
const SLOTS = 16_384;
// How soon the other nodes agree that a node is gone, and its replica takes over.
const NODE_TIMEOUT_MS = 2_000;
const READY_WITHIN_MS = 60_000;
const PASSWORD = 'kpay-cluster';

/** A Redis Cluster of three masters with a replica each, on this machine. */
export interface OwnRedisCluster {
  /** All nodes: `redis://:password@127.0.0.1:1,127.0.0.1:2,…` */
  url: string;
  /** The password of each node. */
  password: string;
  /** Each master, and the replica that would take over from it. */
  pairs: readonly { master: OwnServer; replica: OwnServer }[];
  /** Moves the slot of this key, with all its content, to another master while clients use it. */
  moveSlotOf(key: string): Promise<void>;
  /** Resolves when this replica has taken over and the cluster serves all slots. */
  tookOver(replica: OwnServer): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisCluster(): Promise<OwnRedisCluster | Unavailable> {
  const opened: OwnServer[] = [];
  const stop = async () => {
    await Promise.all(opened.splice(0).map((server) => server.stop()));
  };
  try {
    for (let node = 0; node < 2 * MASTERS; node += 1) {
      // An explicit port for the cluster bus, because the default one, 10,000 above, may not exist.
      const bus = ['--cluster-port', String(await freePort())];
      const server = await startRedis([
        ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--appendonly', 'yes'],
        ...['--requirepass', PASSWORD, '--masterauth', PASSWORD],
        ...bus,
      ]);
      if ('unavailable' in server) return server;
      opened.push(server);
    }
    const masters = opened.slice(0, MASTERS);
    const pairs = opened.slice(MASTERS).map((replica, index) => ({ master: masters[index] as OwnServer, replica }));
    await join(opened, pairs);
    return {
      password: PASSWORD,
      url: `redis://:${PASSWORD}@${opened.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      pairs,
      moveSlotOf: (key) => moveSlot(masters, key),
      tookOver: (replica) =>
        eventually(
          async () => {
            expectText(await ask(replica, 'INFO', 'replication'), 'role:master');
            expectText(await ask(replica, 'CLUSTER', 'INFO'), 'cluster_state:ok');
          },
          { timeoutMs: READY_WITHIN_MS },
        ),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function join(nodes: readonly OwnServer[], pairs: OwnRedisCluster['pairs']): Promise<void> {
  const ids = new Map<OwnServer, string>();
  for (const [index, node] of nodes.entries()) {
    ids.set(node, await ask(node, 'CLUSTER', 'MYID'));
    await ask(node, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const [index, { master }] of pairs.entries()) {
    const bounds = [index, index + 1].map((bound) => Math.floor((bound * SLOTS) / MASTERS));
    await ask(master, 'CLUSTER', 'ADDSLOTSRANGE', String(bounds[0]), String((bounds[1] ?? 0) - 1));
  }
  const [first, ...others] = nodes;
  if (!first) throw new Error('a cluster has nodes');
  for (const other of others) {
    const [, busPort = ''] = /@(\d+)/.exec(await ask(other, 'CLUSTER', 'NODES')) ?? [];
    await ask(first, 'CLUSTER', 'MEET', '127.0.0.1', String(other.port), busPort);
  }
  await eventually(
    async () => {
      for (const node of nodes) expectText(await ask(node, 'CLUSTER', 'INFO'), `cluster_known_nodes:${nodes.length}`);
    },
    { timeoutMs: READY_WITHIN_MS },
  );
  for (const { master, replica } of pairs) await ask(replica, 'CLUSTER', 'REPLICATE', ids.get(master) ?? '');
  await eventually(
    async () => {
      for (const node of nodes) expectText(await ask(node, 'CLUSTER', 'INFO'), 'cluster_state:ok');
      for (const { replica } of pairs) expectText(await ask(replica, 'INFO', 'replication'), 'master_link_status:up');
    },
    { timeoutMs: READY_WITHIN_MS },
  );
}

/** Moves a slot as redis-cli --cluster reshard does. */
async function moveSlot(masters: readonly OwnServer[], key: string): Promise<void> {
  const [first] = masters;
  if (!first) throw new Error('a cluster has masters');
  const slot = await ask(first, 'CLUSTER', 'KEYSLOT', key);
  const ids = new Map(await Promise.all(masters.map(async (node) => [node, await ask(node, 'CLUSTER', 'MYID')] as const)));
  const owners = await askRaw<[number, number, [string, number, string]][]>(first, 'CLUSTER', 'SLOTS');
  const [, , [, port]] = owners.find(([from, to]) => from <= Number(slot) && Number(slot) <= to) ?? [0, 0, ['', 0, '']];
  const source = masters.find((node) => node.port === port);
  const target = masters.find((node) => node !== source);
  const [sourceId, targetId] = [source && ids.get(source), target && ids.get(target)];
  if (!source || !target || !sourceId || !targetId) throw new Error(`no master has slot ${slot}`);
  await ask(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
  await ask(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
  for (;;) {
    const keys = await askRaw<string[]>(source, 'CLUSTER', 'GETKEYSINSLOT', slot, '10');
    if (keys.length === 0) break;
    await ask(source, 'MIGRATE', '127.0.0.1', String(target.port), '', '0', '5000', 'AUTH', PASSWORD, 'KEYS', ...keys);
  }
  for (const node of [target, source, ...masters]) await ask(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
}

async function ask(server: OwnServer, command: string, ...args: string[]): Promise<string> {
  return String(await askRaw(server, command, ...args));
}

async function askRaw<Answer>({ url }: OwnServer, command: string, ...args: string[]): Promise<Answer> {
  const client = new Redis(url, { password: PASSWORD, maxRetriesPerRequest: 3 });
  client.on('error', () => {});
  try {
    return (await client.call(command, ...args)) as Answer;
  } finally {
    client.disconnect();
  }
}

function expectText(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`it does not say ${part}: ${text}`);
}
