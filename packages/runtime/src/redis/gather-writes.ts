import type { Writable } from 'node:stream';

/**
 * Lets what is written to a socket in one turn of the event loop leave it in one system call at its end, in order. A process that has many commands under way at once spends more on writing them one by one than on
 * making them.
 */
export function gatherWrites(socket: Writable): void {
  const write = socket.write;
  let gathering = false;
  socket.write = function gathered(this: Writable, ...given: Parameters<Writable['write']>) {
    if (!gathering) {
      gathering = true;
      socket.cork();
      setImmediate(() => {
        gathering = false;
        socket.uncork();
      });
    }
    return write.apply(this, given);
  } as Writable['write'];
}
