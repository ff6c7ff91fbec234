import type { Writable } from 'node:stream';

/**
 * Lets what is written to a socket in one turn of the event loop leave it in one system call at its end, in order. A process that has many commands under way at once spends more on writing them one by one than on
 * making them.
 */
export function corkWrites(socket: Writable): void {
  const write = socket.write;
  let corked = false;
  socket.write = function corkedWrite(this: Writable, ...args: Parameters<Writable['write']>) {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    return write.apply(this, args);
  } as Writable['write'];
}
