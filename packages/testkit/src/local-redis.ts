import { freePort } from './free-port.ts';
import { findProgram, type LocalServer, startServer, type Unavailable, unavailable } from './local-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * A Redis or Valkey that is empty and writes nothing to disk, with `more` of redis-server's arguments, which overrule
 * ours: `--appendonly yes` for one that keeps its data over a restart.
 */
export async function localRedis(more: readonly string[] = []): Promise<LocalServer | Unavailable> {
  const program = findProgram(['redis-server', 'valkey-server']);
  if (program === undefined) return unavailable('there is no redis-server or valkey-server on PATH');
  const port = await freePort();
  const folder = temporaryFolder();
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder.path, '--save', '', '--appendonly', 'no'];
  return startServer({
    command: [program, ...settings, ...more],
    port,
    url: `redis://127.0.0.1:${port}`,
    stopSignal: 'SIGTERM',
    removeData: folder.remove,
    readyText: 'Ready to accept connections',
  });
}
