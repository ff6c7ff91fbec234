import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

export interface TrafficRecorder {
  url: string;
  /** Everything that was sent to the server, as text. */
  sent(): string;
  close(): Promise<void>;
}

/** A proxy before a local HTTP server that records every byte sent to it. */
export async function recordTraffic(target: string): Promise<TrafficRecorder> {
  const sockets = new Set<Socket>();
  let sent = '';
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(target).port), '127.0.0.1');
    sockets.add(client).add(upstream);
    client.on('data', (chunk) => {
      sent += chunk.toString('latin1');
    });
    pipeline(client, upstream, client, () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: () => sent,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
