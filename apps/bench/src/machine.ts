import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { findProgram } from '@kpay/testkit';

/** One sentence about the machine and the versions. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  const redis = versionOf('redis-server', []) ?? 'no Redis';
  const postgres = versionOf('postgres', [
    '/usr/lib/postgresql/17/bin',
    '/usr/lib/postgresql/16/bin',
    '/usr/lib/postgresql/15/bin',
  ]);
  // The load of the last minute. Above the number of cores, other programs were running.
  const load = `load ${loadavg()[0]?.toFixed(1)}`;
  return `${cpus().length} cores (${cpu?.model.trim() || 'unknown'}), ${load}, ${memory}, ${type()} ${release()}, Node ${process.versions.node}, ${postgres ?? 'no Postgres'}, ${redis}`;
}

/** `Redis 7.0.15`, from the program's own output. */
function versionOf(name: string, folders: readonly string[]): string | undefined {
  const program = findProgram([name], folders);
  if (program === undefined) return undefined;
  const [version] = /\d+\.\d+(\.\d+)?/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
  return `${name === 'postgres' ? 'Postgres' : 'Redis'} ${version}`;
}
