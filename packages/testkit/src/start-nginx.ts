import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type OwnServer, type Unavailable, unavailable } from './own-server.ts';
import { findProgram, runLocal } from './run-local.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * Starts nginx, which serves `upstream` below `/kpay/`, strips that path and compresses answers. Its url ends in
 * `/kpay`.
 */
export async function startNginx(upstream: string): Promise<OwnServer | Unavailable> {
  const program = findProgram(['nginx'], ['/usr/sbin']);
  if (program === undefined) return unavailable('there is no nginx on PATH or in /usr/sbin');
  const port = await freePort();
  const folder = temporaryFolder();
  const bodies = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder.path}/${kind};`);
  const config = join(folder.path, 'nginx.conf');
  const settings = `daemon off; master_process off; pid ${folder.path}/pid; error_log stderr notice;
events {}
http {
  access_log off; ${bodies.join(' ')}
  gzip on; gzip_proxied any; gzip_min_length 1; gzip_types application/json text/css application/javascript text/javascript;
  server {
    listen 127.0.0.1:${port};
    location /kpay/ { proxy_pass ${upstream}/; proxy_http_version 1.1; proxy_buffering off; }
  }
}
`;
  writeFileSync(config, settings);
  return runLocal({
    command: [program, '-e', 'stderr', '-c', config],
    port,
    url: `http://127.0.0.1:${port}/kpay`,
    stopSignal: 'SIGTERM',
    removeData: folder.remove,
    readyText: 'getrlimit',
  });
}
