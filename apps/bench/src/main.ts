#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { type Part, parts } from './parts.ts';
import { writeSection } from './write-section.ts';

const { values: flags, positionals } = readArguments();
const chosen = positionals.length === 0 ? parts : positionals.map(findPart);
const titles = parts.map(({ title }) => title);

let missed = 0;
for (const part of chosen) {
  const startedMs = performance.now();
  const machine = describeMachine();
  const { text, figures } = await part.run(flags.check ? part.small : part.full);
  const lines = figures.map(
    ({ what, seen, needed, held }) => `- ${held ? 'held' : '**missed**'}: ${what}: ${seen} (must: ${needed})`,
  );
  missed += figures.filter(({ held }) => !held).length;
  const measured = `\`npm run bench -- ${part.name}\` on ${new Date().toISOString().slice(0, 10)}: ${machine}.`;
  const section = [`## ${part.title}`, measured, text, ...(lines.length > 0 ? [lines.join('\n')] : [])].join('\n\n');
  console.log(`${section}\n\n(${((performance.now() - startedMs) / 1_000).toFixed(0)} s)\n`);
  if (!flags.check) writeSection(part.title, section, titles);
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
