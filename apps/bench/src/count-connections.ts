import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const ESTABLISHED = '01';

/** How many connections to `port` a process holds; 0 on a system without /proc. */
export function countConnections(pid: number, port: number): number {
  const sockets = socketsTo(port);
  return openFiles(pid).filter((file) => sockets.has(file)).length;
}

/** The sockets as /proc names them among a process' open files. */
function socketsTo(port: number): Set<string> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readLines(table)) {
      const [, , remote = '', state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === ESTABLISHED && remote.endsWith(`:${hexPort}`)) sockets.add(`socket:[${inode}]`);
    }
  }
  return sockets;
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return orNone(() => readdirSync(folder)).flatMap((name) => orNone(() => [readlinkSync(`${folder}/${name}`)]));
}

function readLines(path: string): string[] {
  return orNone(() => readFileSync(path, 'utf8').split('\n'));
}

/** A process or file that ends while it is read counts as missing. */
function orNone(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
