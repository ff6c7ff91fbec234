import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { eventually } from './eventually.ts';
import { createTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function proxyToEcho(options: Omit<TcpProxyOptions, 'target'> = {}): Promise<TcpProxy> {
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  closers.push(() => echo.close());
  const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: (echo.address() as AddressInfo).port }, ...options });
  closers.push(() => proxy.close());
  return proxy;
}

function talk(proxy: TcpProxy): { socket: Socket; heard: () => string } {
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => {});
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  closers.push(() => socket.destroy());
  return { socket, heard: () => text };
}

it('data arrives in order however much jitter there is', async () => {
  const { socket, heard } = talk(await proxyToEcho({ jitterMs: 5, seed: 7 }));
  for (let part = 0; part < 20; part++) {
    socket.write(`${part},`);
    await eventually(() => expect(heard()).toContain(`${part},`), { everyMs: 1 });
  }
  expect(heard()).toBe(Array.from({ length: 20 }, (_, part) => `${part},`).join(''));
});

it('a pause holds data and loses none', async () => {
  const proxy = await proxyToEcho();
  const { socket, heard } = talk(proxy);
  socket.write('a');
  await eventually(() => expect(heard()).toBe('a'));
  proxy.pause();
  const held = once(socket, 'data');
  socket.write('b');
  proxy.resume();
  await held;
  expect(heard()).toBe('ab');
});

it('dropped data never arrives, while the connection stays', async () => {
  const proxy = await proxyToEcho();
  const { socket, heard } = talk(proxy);
  socket.write('a');
  await eventually(() => expect(heard()).toBe('a'));
  proxy.drop();
  socket.write('b');
  await eventually(() => expect(socket.bytesWritten).toBe(2));
  const other = talk(proxy);
  other.socket.write('x');
  await eventually(() => expect(proxy.connections()).toBe(2));
  proxy.resume();
  await eventually(() => {
    socket.write('c');
    expect(heard()).toMatch(/^ac+$/);
  });
});

it('a cut resets what is open and lets new connections through', async () => {
  const proxy = await proxyToEcho();
  const first = talk(proxy);
  first.socket.write('a');
  await eventually(() => expect(first.heard()).toBe('a'));
  proxy.cut();
  await eventually(() => expect(first.socket.closed).toBe(true));
  const second = talk(proxy);
  second.socket.write('b');
  await eventually(() => expect(second.heard()).toBe('b'));
});

it('while it refuses nobody is let in, and then they are', async () => {
  const proxy = await proxyToEcho();
  proxy.refuse();
  const refused = connect(proxy.port, '127.0.0.1');
  await expect(once(refused, 'connect')).rejects.toThrow('ECONNREFUSED');
  proxy.resume();
  const { socket, heard } = talk(proxy);
  socket.write('a');
  await eventually(() => expect(heard()).toBe('a'));
});
