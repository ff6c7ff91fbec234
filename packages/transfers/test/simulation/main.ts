import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { FULL_FROM_SEEDS, mustHappen, type Simulated, simulate } from './simulate.ts';
import { Tally } from './tally.ts';
import { openUniverse } from './world.ts';

// `npm run simulate -- 2000` makes 2,000 runs on all processors, each process with its own ledger. It starts each
// process with `--share <from> <count>`.

type Report = { done: Simulated & { cpuMs: number } } | { failed: string };

async function share(from: number, count: number): Promise<Report> {
  const universe = await openUniverse();
  try {
    const done = await simulate(universe, from, count);
    const { user, system } = process.cpuUsage();
    return { done: { ...done, cpuMs: (user + system) / 1_000 } };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  } finally {
    await universe.close();
  }
}

async function shareInProcess(from: number, count: number): Promise<Report> {
  const child = fork(import.meta.filename, ['--share', String(from), String(count)]);
  const report = Promise.withResolvers<Report>();
  child.on('message', (message) => report.resolve(message as Report));
  child.on('exit', (code) => report.resolve({ failed: `the process of seeds from ${from} ended with ${code}` }));
  return report.promise;
}

async function main(seeds: number, from: number): Promise<number> {
  const processes = Math.min(availableParallelism(), seeds);
  const startedMs = performance.now();
  const each = Math.ceil(seeds / processes);
  const shares = Array.from({ length: processes }, (_, index) => index * each).filter((offset) => offset < seeds);
  const reports = await Promise.all(shares.map((offset) => shareInProcess(from + offset, Math.min(each, seeds - offset))));

  const tally = new Tally();
  let steps = 0;
  let cpuMs = 0;
  const failures: string[] = [];
  for (const report of reports) {
    if ('failed' in report) {
      failures.push(report.failed);
      continue;
    }
    steps += report.done.steps;
    cpuMs += report.done.cpuMs;
    tally.add(report.done.counts);
  }
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  if (failures.length > 0) return 1;
  const seconds = (performance.now() - startedMs) / 1_000;
  process.stdout.write(
    `${seeds} seeds from ${from} in ${seconds.toFixed(0)} s: ${(seeds / seconds).toFixed(1)} a second, ` +
      `${(cpuMs / seeds / 1_000).toFixed(2)} core-seconds a seed, ${steps} steps; 0 doubled, 0 lost, 0 unexplained\n${tally}\n`,
  );
  const missing = seeds >= FULL_FROM_SEEDS ? tally.missing(mustHappen) : [];
  if (missing.length > 0) process.stderr.write(`never happened: ${missing.join(', ')}\n`);
  return missing.length > 0 ? 1 : 0;
}

const [first, second, third] = process.argv.slice(2);
if (first === '--share') {
  const report = await share(Number(second), Number(third));
  process.send?.(report, () => process.disconnect());
} else {
  const seeds = Number(first ?? 2_000);
  if (!Number.isInteger(seeds) || seeds < 1)
    throw new Error('usage: npm run simulate -- <how many seeds>; KPAY_SIM_FROM says the first');
  process.exitCode = await main(seeds, Number(process.env.KPAY_SIM_FROM ?? 1));
}
