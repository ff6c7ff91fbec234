import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from './seeded-random.ts';

export interface TcpProxyOptions {
  /** Read for each new connection, so it may change. */
  target: { readonly host: string; readonly port: number };
  /** Each piece of data is delayed by up to this time; the order within a direction stays. */
  jitterMs?: number;
  /** Makes the jitter repeatable. */
  seed?: number;
}

export interface TcpProxy {
  port: number;
  /** How many connections are open now. */
  connections(): number;
  /** Holds all data, both ways, until `resume`. */
  pause(): void;
  resume(): void;
  /** Drops data while connections stay open, as a silent network does, until `resume`. */
  drop(): void;
  /** Resets the open connections. New ones are accepted. */
  cut(): void;
  /** Resets the open connections and refuses new ones, as if nothing were listening, until `resume`. */
  refuse(): void;
  close(): Promise<void>;
}

/** Starts a proxy on 127.0.0.1 between a client and a real server, to add network faults. */
export async function createTcpProxy({ target, jitterMs = 0, seed = 1 }: TcpProxyOptions): Promise<TcpProxy> {
  const random = seededRandom(seed);
  const pairs = new Set<[Socket, Socket]>();
  let mode: 'pass' | 'pause' | 'drop' = 'pass';
  let resumed = Promise.withResolvers<void>();

  const forward = async (from: Socket, to: Socket) => {
    try {
      for await (const chunk of from) {
        if (jitterMs > 0) await delay(random() * jitterMs);
        if (mode === 'pause') await resumed.promise;
        if (mode === 'drop') continue;
        if (!to.write(chunk)) await once(to, 'drain');
      }
      to.end();
    } catch {
      to.destroy();
    }
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => {});
    const upstream = connect({ ...target, allowHalfOpen: true });
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    upstream.on('error', () => client.resetAndDestroy());
    client.on('close', () => {
      upstream.destroy();
      pairs.delete(pair);
    });
    void forward(client, upstream);
    void forward(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const { port } = server.address() as AddressInfo;

  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  const enter = (next: typeof mode) => {
    mode = next;
    if (next === 'pause') return;
    resumed.resolve();
    resumed = Promise.withResolvers<void>();
  };
  return {
    port,
    connections: () => pairs.size,
    pause: () => enter('pause'),
    resume: () => {
      enter('pass');
      if (!server.listening) server.listen(port, '127.0.0.1');
    },
    drop: () => enter('drop'),
    cut,
    refuse: () => {
      server.close();
      cut();
    },
    close: async () => {
      enter('pass');
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}
