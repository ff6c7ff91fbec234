import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../../../docs/benchmarks.md', import.meta.url);

const HEAD = `# Benchmarks

Written by \`npm run bench\`, part by part: \`npm run bench -- speed\` measures one part again and keeps the others.
\`--check\` measures fewer transfers and only prints. Both sides of a comparison ran in one run of their part, in turn, on the same
servers unless the text says otherwise: Postgres with \`fsync=on\` and \`synchronous_commit=on\`, Redis with its append-only file, and
the simulated KPay, each a separate process. Compare ratios, not machines. The exit code is 1 when a required figure was missed.`;

/** Replaces the section with this title. `titles`: all possible titles, in their order. */
export function writeSection(title: string, section: string, titles: readonly string[]): void {
  const known = new Map(readSections().map((each) => [titleOf(each), each]));
  known.set(title, section);
  const sections = titles.flatMap((each) => known.get(each) ?? []);
  writeFileSync(file, `${[HEAD, ...sections].join('\n\n')}\n`);
}

function readSections(): string[] {
  if (!existsSync(file)) return [];
  const [, ...sections] = readFileSync(file, 'utf8').split(/^(?=## )/m);
  return sections.map((section) => section.trim());
}

function titleOf(section: string): string {
  return section.slice('## '.length, section.indexOf('\n'));
}
