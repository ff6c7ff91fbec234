import { readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 10;

interface Ticks {
  parent: number;
  ms: number;
}

/**
 * The processor time of a process and its children, ended ones included, in milliseconds; 0 on a system without /proc.
 */
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
    // The name is in brackets and can contain anything. Numbers follow it.
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Its own time, in user and kernel mode, then that of its ended children.
    const ticks = rest.slice(9, 13).reduce((sum, each) => sum + Number(each), 0);
    return { parent: Number(parent), ms: ticks * TICK_MS };
  } catch {
    return undefined;
  }
}
