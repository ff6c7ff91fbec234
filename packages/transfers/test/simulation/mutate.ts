import { fork } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mutation, mutations } from './mutations.ts';

// `npm run mutations [-- <seeds> [<words of `law 5: …`>]]`: takes each law's check out, in a copy of the tree, and lives
// lives until one breaks. Prints which seed caught which. Fails when one is caught by none, or does not apply any more.

const root = join(import.meta.dirname, '../../../..');
const HUNG_MS = 10 * 60_000;

/** The packages that the simulation runs on, with their own links to each other; what they install is shared. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'kpay-mutations-'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  for (const each of [...packages, 'apps/simulator']) {
    mkdirSync(join(copy, each), { recursive: true });
    for (const part of ['package.json', 'src', 'test', 'node_modules']) {
      cpSync(join(root, each, part), join(copy, each, part), { recursive: true, verbatimSymlinks: true, force: true });
    }
  }
  return copy;
}

/** Makes the edits, and answers how to undo them. @throws when one does not apply to the code as it is. */
function apply(copy: string, { what, edits }: Mutation): () => void {
  const originals = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const path = join(copy, file);
    const text = readFileSync(path, 'utf8');
    const found = text.split(find).length - 1;
    if (found !== 1) throw new Error(`"${what}" does not apply: ${file} has ${found} of\n${find}`);
    if (!originals.has(path)) originals.set(path, text);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  return () => {
    for (const [path, text] of originals) writeFileSync(path, text);
  };
}

interface Hunt {
  /** The seed that broke; undefined when none did. */
  seed: string | undefined;
  /** The first sentence of what was broken. */
  broken: string;
  seconds: number;
}

async function hunt(copy: string, seeds: number): Promise<Hunt> {
  const startedMs = performance.now();
  const child = fork(join(copy, 'packages/transfers/test/simulation/main.ts'), ['--share', '1', String(seeds)], {
    cwd: copy,
    execArgv: ['--conditions=@kpay/source'],
    silent: true,
  });
  let message: { failed?: string } | undefined;
  let errors = '';
  child.on('message', (sent) => {
    message = sent as { failed?: string };
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const hung = setTimeout(() => child.kill('SIGKILL'), HUNG_MS);
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(hung);
  const failed = message === undefined ? `the process ended: ${errors.trim().split('\n').at(-1)}` : message.failed;
  const [command = '', first = ''] = (failed ?? '').split('\n');
  const seed = /KPAY_SIM_SEED=(\d+)/.exec(command)?.[1];
  const broken = (seed === undefined ? command : first).replace(/^(Error: )+/, '');
  return { seed: failed === undefined ? undefined : (seed ?? '?'), broken, seconds: (performance.now() - startedMs) / 1_000 };
}

const [seeds = '300', ...words] = process.argv.slice(2);
const chosen = mutations.filter(({ law, what }) => `law ${law}: ${what}`.includes(words.join(' ')));
const copy = copyTree();
let gaps = 0;
try {
  for (const mutation of chosen) apply(copy, mutation)();
  process.stdout.write('| law | its check taken out | seed | what was seen | s |\n|---|---|---|---|---|\n');
  for (const mutation of chosen) {
    const undo = apply(copy, mutation);
    const { seed, broken, seconds } = await hunt(copy, Number(seeds)).finally(undo);
    if (seed === undefined && mutation.elsewhere === undefined) gaps += 1;
    const seen = seed === undefined ? (mutation.elsewhere ?? '**nothing**') : broken.replaceAll('|', '/').slice(0, 120);
    process.stdout.write(`| ${mutation.law} | ${mutation.what} | ${seed ?? 'none'} | ${seen} | ${seconds.toFixed(0)} |\n`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
if (gaps > 0) {
  process.stderr.write(`${gaps} of ${chosen.length} mutations were caught by no seed of ${seeds}\n`);
  process.exitCode = 1;
}
