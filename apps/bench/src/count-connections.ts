import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const ESTABLISHED = '01';

/** How many connections to `port` a process holds; 0 where there is no /proc. */
export function countConnections(pid: number, port: number): number {
  const sockets = socketsTo(port);
  return openFiles(pid).filter((file) => sockets.has(file)).length;
}

/** As /proc names them among a process' open files. */
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

/** What ends while it is looked at is not there. */
function orNone(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
