import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

/** Speaks just enough of Postgres' protocol to report version 14, because a real one that old is not available. */
export async function startOldPostgres(): Promise<{ url: string; close(): void }> {
  const server = createServer((socket) => {
    let greeted = false;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (!greeted) {
        greeted = true;
        socket.write(Buffer.concat([message('R', int32(0)), READY]));
      } else if (data.toString('latin1', 0, 1) === 'Q') {
        socket.write(Buffer.concat([DESCRIPTION, row('140005', '14.5'), message('C', Buffer.from('SELECT 1\0')), READY]));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://kpay@127.0.0.1:${port}/postgres`, close: () => void server.close() };
}

const READY = message('Z', Buffer.from('I'));
const INT4 = 23;
const TEXT = 25;
const DESCRIPTION = message('T', Buffer.concat([int16(2), field('number', INT4), field('name', TEXT)]));

function field(name: string, type: number): Buffer {
  return Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)]);
}

function row(...values: string[]): Buffer {
  return message(
    'D',
    Buffer.concat([int16(values.length), ...values.flatMap((value) => [int32(value.length), Buffer.from(value)])]),
  );
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
