import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from './run-local.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The wall clock of the processes that are started with `env`. */
export interface MovedClock {
  env: Record<string, string>;
  /**
   * Moves the clock ahead of the machine's, or behind it; 0 sets it right. It takes effect at once in running
   * processes.
   */
  move(aheadSeconds: number): void;
  remove(): void;
}

/** Undefined without a C compiler, or on a system other than Linux. */
export function createMovedClock(): MovedClock | undefined {
  const compiler = findProgram(['cc']);
  if (compiler === undefined || process.platform !== 'linux') return undefined;
  const folder = temporaryFolder();
  const [library, file] = [join(folder.path, 'moved-clock.so'), join(folder.path, 'ahead')];
  const source = fileURLToPath(new URL('moved-clock.c', import.meta.url));
  execFileSync(compiler, ['-O2', '-shared', '-fPIC', '-o', library, source]);
  const descriptor = openSync(file, 'w', 0o644);
  const move = (aheadSeconds: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(aheadSeconds));
    writeSync(descriptor, bytes, 0, bytes.length, 0);
  };
  move(0);
  // Postgres reads it as another user.
  chmodSync(folder.path, 0o755);
  return {
    env: { LD_PRELOAD: library, MOVED_CLOCK: file },
    move,
    remove: () => {
      closeSync(descriptor);
      folder.remove();
    },
  };
}
