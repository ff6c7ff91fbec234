import { cpus } from 'node:os';
import { cpuTimeMs } from './cpu-time.ts';

/**
 * Measures how much other programs use this machine meanwhile.
 *
 * @param postgresPid whose children count as ours; all other processes of the run are our direct children.
 * @returns a function that returns the share of all processors that others have used since.
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
