#!/usr/bin/env node
import { searchLogs, temporaryFolder } from '@kpay/testkit';
import { fuzz } from './fuzz.ts';
import { MAX_MS, measureRefusals } from './processor.ts';

const HEAP_GROWTH = 1.2;
const [count = '20000', seedGiven] = process.argv.slice(2);
const requests = Number(count);
const seed = Number(seedGiven ?? Math.floor(Math.random() * 1_000_000));
if (!Number.isInteger(requests) || requests < 1 || !Number.isInteger(seed)) {
  process.stderr.write('usage: npm run fuzz -- [requests] [seed]\n');
  process.exit(2);
}
process.stdout.write(`${requests} requests of seed ${seed} (again: npm run fuzz -- ${requests} ${seed})\n`);

const logs = temporaryFolder();
process.env.KPAY_TEST_LOGS = logs.path;
const startedMs = performance.now();
const { statuses, failures, others, heapMb } = await fuzz({ requests, seed });
const costs = await measureRefusals();
const { lines, found } = searchLogs(logs.path);
logs.remove();
const wrong = [
  ...failures,
  ...found,
  ...costs
    .filter(({ ms }) => ms > MAX_MS)
    .map(({ door, input, ms }) => `${door}, ${input}: ${ms.toFixed(0)} ms of processor time before it was refused`),
  ...(heapMb.end > heapMb.warm * HEAP_GROWTH ? [`the heap grew by more than ${HEAP_GROWTH} times`] : []),
];
process.stdout.write(`${Object.entries(statuses)
  .map(([status, times]) => `${status === '0' ? 'cut off' : status}: ${times}`)
  .join(', ')}
others meanwhile: ${others.asked} asked, p99 ${others.p99Ms.toFixed(0)} ms, worst ${others.worstMs.toFixed(0)} ms
heap after collection: ${heapMb.warm.toFixed(1)} MB warm, ${heapMb.end.toFixed(1)} MB at the end
${costs.length} of the dearest inputs up to 1 MB were refused, each within ${MAX_MS} ms of processor time if all is well; the worst:
${costs
  .slice(0, 10)
  .map(({ door, input, ms }) => `  ${ms.toFixed(0)} ms  ${door}: ${input}`)
  .join('\n')}
${lines} lines of logs were searched
${((performance.now() - startedMs) / 1_000).toFixed(0)} s
`);
for (const each of wrong.slice(0, 20)) process.stderr.write(`${each}\n`);
if (wrong.length > 0) process.stderr.write(`fuzz: ${wrong.length} things are wrong\n`);
process.exit(wrong.length > 0 ? 1 : 0);
