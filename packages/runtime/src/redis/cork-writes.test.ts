import { Writable } from 'node:stream';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { corkWrites } from './cork-writes.ts';

/** The data of each system call. */
function open(): { socket: Writable; calls: string[] } {
  const calls: string[] = [];
  const socket = new Writable({
    decodeStrings: true,
    write(chunk, _encoding, done) {
      calls.push(String(chunk));
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join(''));
      done();
    },
  });
  corkWrites(socket);
  return { socket, calls };
}

it('sends what is written in one turn together, in order, and no more', async () => {
  const { socket, calls } = open();
  socket.write('a');
  await Promise.resolve();
  socket.write('b');
  process.nextTick(() => socket.write('c'));
  expect(calls).toEqual([]);
  await endOfTurn();
  expect(calls).toEqual(['abc']);
  socket.write('d');
  await endOfTurn();
  expect(calls).toEqual(['abc', 'd']);
});

it('what was written before the end leaves before it', async () => {
  const { socket, calls } = open();
  const ended = Promise.withResolvers<void>();
  socket.write('a');
  socket.write('b');
  socket.end('c', ended.resolve);
  await ended.promise;
  expect(calls.join('')).toBe('abc');
});
