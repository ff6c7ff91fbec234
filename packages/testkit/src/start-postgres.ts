import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.ts';
import { inContainers, type OwnServer, type Unavailable, unavailable } from './own-server.ts';
import { runInContainer } from './run-in-container.ts';
import { findProgram, runLocal } from './run-local.ts';
import { temporaryFolder } from './temporary-folder.ts';

const PASSWORD = 'kpay-test';
const DEBIAN_VERSIONS = '/usr/lib/postgresql';

/**
 * Starts an empty Postgres with a superuser `kpay`; settings in `more` overrule ours. By default it does not wait for
 * the disk (set `fsync=on` for that), so it survives SIGKILL but not a power cut. Postgres refuses to run as root; then
 * the system's user `postgres` runs it.
 *
 * @param standbyOf starts a standby that streams from that server instead.
 * @param env added to this process's environment, for local binaries.
 */
export async function startPostgres(
  more: readonly string[] = [],
  standbyOf?: OwnServer,
  env: Readonly<Record<string, string>> = {},
): Promise<OwnServer | Unavailable> {
  return inContainers() ? containerPostgres(more, standbyOf) : localPostgres(more, standbyOf, env);
}

function settingsOf(port: number, more: readonly string[]): string[] {
  return ['fsync=off', 'listen_addresses=127.0.0.1', `port=${port}`, ...more].flatMap((setting) => ['-c', setting]);
}

async function containerPostgres(more: readonly string[], standbyOf?: OwnServer): Promise<OwnServer | Unavailable> {
  const port = await freePort();
  const url = `postgres://kpay:${PASSWORD}@127.0.0.1:${port}/postgres`;
  const command = ['postgres', ...settingsOf(port, more)];
  const copy = `[ -s "$PGDATA/PG_VERSION" ] || pg_basebackup -D "$PGDATA" -d "$PRIMARY" --write-recovery-conf --checkpoint=fast --no-sync && exec "$@"`;
  return runInContainer({
    image: process.env.KPAY_TEST_POSTGRES_IMAGE ?? 'postgres:15',
    ...(standbyOf
      ? { user: 'postgres', entrypoint: ['sh', '-c', copy, 'sh'], command, environment: { PRIMARY: standbyOf.url } }
      : { command, environment: { POSTGRES_USER: 'kpay', POSTGRES_PASSWORD: PASSWORD } }),
    port,
    url,
    async ask() {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      await client.end();
    },
  });
}

async function localPostgres(
  more: readonly string[],
  standbyOf: OwnServer | undefined,
  env: Readonly<Record<string, string>>,
): Promise<OwnServer | Unavailable> {
  const postgres = findProgram(['postgres'], debianFolders());
  // PATH may hold only a link. The other programs are beside the real one.
  const beside = postgres === undefined ? [] : [dirname(postgres), ...debianFolders()];
  const [initdb, baseBackup] = [findProgram(['initdb'], beside), findProgram(['pg_basebackup'], beside)];
  if (postgres === undefined || initdb === undefined || baseBackup === undefined)
    return unavailable('there is no postgres with initdb and pg_basebackup on PATH or below /usr/lib/postgresql');
  const asUser = chooseUser();
  if ('unavailable' in asUser) return asUser;

  const port = await freePort();
  const folder = temporaryFolder();
  if (asUser.owner) chownSync(folder.path, asUser.owner.uid, asUser.owner.gid);
  const data = join(folder.path, 'data');
  const privileges = asUser.owner ? [`--reuid=${asUser.owner.uid}`, `--regid=${asUser.owner.gid}`, '--clear-groups'] : [];

  const prepare = standbyOf
    ? [baseBackup, '-D', data, '-d', standbyOf.url, '--write-recovery-conf', '--checkpoint=fast', '--no-sync']
    : [initdb, '-D', data, '-U', 'kpay', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'];
  const [program = '', ...args] = asUser.owner ? ['setpriv', ...privileges, ...prepare] : prepare;
  execFileSync(program, args, { stdio: 'pipe', cwd: '/' });
  return runLocal({
    command: [postgres, '-D', data, ...settingsOf(port, ['unix_socket_directories=', ...more])],
    privileges,
    env,
    port,
    url: `postgres://kpay@127.0.0.1:${port}/postgres`,
    stopSignal: 'SIGINT',
    removeData: folder.remove,
    readyText: standbyOf ? 'ready to accept read-only connections' : 'ready to accept connections',
  });
}

function debianFolders(): string[] {
  try {
    const versions = readdirSync(DEBIAN_VERSIONS).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(DEBIAN_VERSIONS, version, 'bin'));
  } catch {
    return [];
  }
}

/** The user that runs Postgres, when it is not the user of the tests. */
function chooseUser(): { owner?: { uid: number; gid: number } } | Unavailable {
  if (process.getuid?.() !== 0) return {};
  const ids = ['-u', '-g'].map((flag) => Number.parseInt(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout, 10));
  const [uid = Number.NaN, gid = Number.NaN] = ids;
  if (findProgram(['setpriv']) === undefined || Number.isNaN(uid) || Number.isNaN(gid)) {
    return unavailable('Postgres refuses to run as root, and there is no setpriv with a system user postgres');
  }
  return { owner: { uid, gid } };
}
