import { cpus } from 'node:os';
import { cpuTimeMs } from './cpu-time.ts';

/**
 * Watches whether this machine does something else besides.
 *
 * @param postgresPid whose children, the only ones that are not ours directly, count as ours.
 * @returns tells which share of all processors others have used since.
 */
export function watchOthers(postgresPid: number): () => number {
  const read = () => {
    const times = cpus().map(({ times: { idle, ...busy } }) => ({
      idle,
      busy: Object.values(busy).reduce((sum, ms) => sum + ms, 0),
    }));
    const sum = (of: 'idle' | 'busy') => times.reduce((all, each) => all + each[of], 0);
    return { all: sum('idle') + sum('busy'), others: sum('busy') - cpuTimeMs(process.pid) - cpuTimeMs(postgresPid) };
  };
  const before = read();
  return () => {
    const now = read();
    return Math.max(0, (now.others - before.others) / (now.all - before.all));
  };
}
