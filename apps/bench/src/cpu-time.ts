import { readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 10;

interface Ticks {
  parent: number;
  ms: number;
}

/** Processor time that a process and its children have used, those that ended among them, in milliseconds; 0 where there is no /proc. */
export function cpuTimeMs(pid: number): number {
  const own = ticksOf(pid);
  if (!own) return 0;
  const children = processes().filter((each) => ticksOf(each)?.parent === pid);
  return children.reduce((sum, child) => sum + (ticksOf(child)?.ms ?? 0), own.ms);
}

function processes(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function ticksOf(pid: number): Ticks | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in brackets and can hold anything; what follows it are numbers.
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Its own time, by itself and in the kernel, then that of its children that have ended.
    const ticks = rest.slice(9, 13).reduce((sum, each) => sum + Number(each), 0);
    return { parent: Number(parent), ms: ticks * TICK_MS };
  } catch {
    return undefined;
  }
}
