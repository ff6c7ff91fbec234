#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { type Part, parts } from './parts.ts';

const { values: flags, positionals } = readArguments();
const chosen = positionals.length === 0 ? parts : positionals.map(findPart);
const whole = positionals.length === 0 && !flags.check;

const sections: string[] = [];
let missed = 0;
for (const part of chosen) {
  const startedMs = performance.now();
  const { text, figures } = await part.run(flags.check ? part.small : part.full);
  const lines = figures.map(
    ({ what, seen, needed, held }) => `- ${held ? 'held' : '**missed**'}: ${what}: ${seen} (must: ${needed})`,
  );
  missed += figures.filter(({ held }) => !held).length;
  const section = [`## ${part.title}`, text, ...(lines.length > 0 ? [lines.join('\n')] : [])].join('\n\n');
  console.log(`${section}\n\n(${((performance.now() - startedMs) / 1_000).toFixed(0)} s)\n`);
  sections.push(section);
}
if (whole) {
  const head = `# Benchmarks

Written by \`npm run bench\` on ${describeMachine()}. Both sides of a comparison ran in this one run, in turn, on the same
servers: Postgres with \`fsync=on\` and \`synchronous_commit=on\`, Redis with its append-only file, and the simulated KPay,
each a process of its own. Compare ratios, not machines. \`npm run bench -- speed\` runs one part and only prints it;
\`--check\` runs fewer transfers. The exit code is 1 when a figure that must hold was missed.`;
  writeFileSync(new URL('../../../docs/benchmarks.md', import.meta.url), `${[head, ...sections].join('\n\n')}\n`);
}
if (missed > 0) console.error(`bench: ${missed} of the figures that must hold were missed`);
process.exitCode = missed > 0 ? 1 : 0;

function readArguments() {
  try {
    return parseArgs({ options: { check: { type: 'boolean', default: false } }, allowPositionals: true });
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function findPart(name: string): Part {
  return (
    parts.find((part) => part.name === name) ??
    fail(`there is no part "${name}"; there are ${parts.map((part) => part.name).join(', ')}`)
  );
}

function fail(why: string): never {
  console.error(`bench: ${why}`);
  process.exit(2);
}
