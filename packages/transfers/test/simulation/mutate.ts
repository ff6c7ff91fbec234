import { type ChildProcess, execFile, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '@kpay/testkit';
import { assertApplies, type Mutation, mutations, nameOf, ROOT } from './mutations.ts';

// `npm run mutations`: takes each law's check out and runs the run that is known to break then (caught.json). Where it
// does not break any more, runs of the mutation's scenario are tried, then others, and then its test, if it has one. Fails when a
// mutation is caught by none, or its text is not in the code any more.
// `npm run mutations -- <runs to try for each> [<regular expression for "law 5: …">]` does so for some; both write caught.json anew.
// `npm run mutations -- recorded` runs only what caught.json names, and fails when that catches a mutation no more: minutes.

/** What is written down of it: a run, or the test that was run in place of one. */
type Recorded = { seed: number; broken: string } | { test: string; broken: string };

/** What caught a mutation. */
export interface Caught {
  seed: number;
  scenario: string;
  /** The first sentence of what was broken. */
  broken: string;
  /** Of how many runs it was the last. */
  tried: number;
  seconds: number;
}

/** What a child is asked, and answers. */
export interface Hunt {
  name: string;
  /** Tried before all others. */
  seed: number | undefined;
  most: number;
}

const HUNG_MS = 30 * 60_000;
const MAX_OUTPUT_BYTES = 100_000_000;
const record = join(import.meta.dirname, 'caught.json');

/** A process that hunts for one mutation at a time. One that hangs is replaced: a mutant that never ends is caught. */
class Hunter {
  private child: ChildProcess | undefined;

  async hunt(asked: Hunt): Promise<Caught | undefined> {
    this.child ??= fork(join(import.meta.dirname, 'hunt.ts'), { execArgv: ['--conditions=@kpay/source'] });
    const { child } = this;
    const answer = Promise.withResolvers<Caught | undefined>();
    const hung = setTimeout(() => answer.reject(new Error(`${asked.name}: its runs never ended`)), HUNG_MS);
    child.once('message', (message: { caught?: Caught }) => answer.resolve(message.caught));
    child.once('exit', (code) => answer.reject(new Error(`${asked.name}: the process ended with ${code}`)));
    child.send(asked);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(hung);
      child.removeAllListeners();
    }
  }

  close(): void {
    this.child?.kill('SIGKILL');
  }
}

interface TestRun {
  title: string;
  status: string;
  failureMessages: string[];
}

/** Runs its test, as the code is and with the mutation. @returns what failed, undefined when nothing did. */
async function failsIn(mutation: Mutation, { file, name }: { file: string; name: string }): Promise<string | undefined> {
  const sound = await runTests(file, name, {});
  if (sound.length === 0 || sound.some(({ status }) => status !== 'passed')) {
    throw new Error(`"${name}" of ${file} does not pass without a mutation`);
  }
  const failed = (await runTests(file, name, { KPAY_MUTATION: nameOf(mutation) })).find(({ status }) => status === 'failed');
  return failed && `${failed.title}: ${failed.failureMessages[0]?.split('\n')[0]}`.slice(0, 200);
}

async function runTests(file: string, name: string, env: NodeJS.ProcessEnv): Promise<TestRun[]> {
  const config = join(import.meta.dirname, 'mutated-tests.config.ts');
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const folder = temporaryFolder();
  try {
    const report = join(folder.path, 'report.json');
    const args = ['run', file, '-t', pattern, '--config', config, '--silent', '--reporter', 'json', '--outputFile', report];
    const options = { cwd: fileURLToPath(ROOT), env: { ...process.env, ...env }, maxBuffer: MAX_OUTPUT_BYTES };
    // It ends with 1 when a test fails; what became of each is in the report.
    await promisify(execFile)('vitest', args, options).catch(() => {});
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as { testResults: { assertionResults: TestRun[] }[] };
    const runs = testResults.flatMap(({ assertionResults }) => assertionResults);
    return runs.filter(({ status }) => status === 'passed' || status === 'failed');
  } finally {
    folder.remove();
  }
}

const [first = '60', pattern = ''] = process.argv.slice(2);
const onlyRecorded = first === 'recorded';
if (!onlyRecorded && !/^\d+$/.test(first))
  throw new Error('usage: npm run mutations [-- <runs to try for each>|recorded [<regular expression for "law 5: …">]]');
const most = Number(first);
const chosen = mutations.filter((mutation) => new RegExp(pattern).test(nameOf(mutation)));
for (const mutation of chosen) assertApplies(mutation);

const known = JSON.parse(readFileSync(record, 'utf8')) as Record<string, Recorded>;
const queue = [...chosen];
const missed = new Set<string>();
const startedMs = performance.now();

/** In the order of the mutations, and without those that are no more. */
function save(): void {
  const entries = mutations.flatMap((mutation) => {
    const entry = known[nameOf(mutation)];
    return entry ? [[nameOf(mutation), entry]] : [];
  });
  writeFileSync(record, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}

/** The run that shows it: the one that is known, or else others. */
async function findRun(hunter: Hunter, mutation: Mutation, seed: number | undefined): Promise<Caught | undefined> {
  if (onlyRecorded) return seed === undefined ? undefined : hunter.hunt({ name: nameOf(mutation), seed, most: 1 });
  return hunter.hunt({ name: nameOf(mutation), seed, most: mutation.elsewhere === undefined ? most : 5 });
}

function log({ law, what }: Mutation, caughtBy: string | number, seen: string, caught?: Caught): void {
  const { scenario = '', tried = '', seconds = 0 } = caught ?? {};
  const cells = [law, what, caughtBy, scenario, seen.replaceAll('|', '/'), tried, seconds.toFixed(0)];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

async function check(hunter: Hunter, mutation: Mutation): Promise<void> {
  const name = nameOf(mutation);
  const recorded = known[name];
  const caught = await findRun(hunter, mutation, recorded && 'seed' in recorded ? recorded.seed : undefined);
  if (caught) {
    known[name] = { seed: caught.seed, broken: caught.broken };
    return log(mutation, caught.seed, caught.broken, caught);
  }
  const test = onlyRecorded && !(recorded && 'test' in recorded) ? undefined : mutation.test;
  const failed = test && (await failsIn(mutation, test));
  if (test && failed !== undefined) {
    known[name] = { test: test.file, broken: failed };
    return log(mutation, basename(test.file), failed);
  }
  if (mutation.elsewhere === undefined) missed.add(name);
  log(mutation, 'none', mutation.elsewhere ?? '**nothing**');
}

async function work(): Promise<void> {
  const hunter = new Hunter();
  for (let mutation = queue.shift(); mutation; mutation = queue.shift()) {
    await check(hunter, mutation);
    if (!onlyRecorded) save();
  }
  hunter.close();
}

process.stdout.write(
  '| law | its check taken out | seed | scenario | what was seen | runs | s |\n|---|---|---|---|---|---|---|\n',
);
await Promise.all(Array.from({ length: availableParallelism() }, work));

process.stdout.write(
  `${chosen.length} mutations in ${((performance.now() - startedMs) / 1_000).toFixed(0)} s; ${missed.size} caught by none\n`,
);
for (const name of missed) process.stderr.write(`caught by no life${onlyRecorded ? ' that is recorded' : ''}: ${name}\n`);
process.exitCode = missed.size > 0 ? 1 : 0;
