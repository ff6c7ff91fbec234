import { connect, createServer, type Socket } from 'node:net';

export interface JitterProxy {
  baseUrl: string;
  close(): Promise<void>;
}

/** A way to a local port on which every piece takes 0 to `jitterMs` in each direction, in order. */
export async function startJitterProxy({ port, jitterMs }: { port: number; jitterMs: number }): Promise<JitterProxy> {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      let lastMs = 0;
      from.on('data', (chunk) => {
        lastMs = Math.max(lastMs, performance.now() + Math.random() * jitterMs);
        setTimeout(() => to.write(chunk), lastMs - performance.now());
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  return {
    baseUrl: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
