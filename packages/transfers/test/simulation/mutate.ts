import { type ChildProcess, execFile, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '@kpay/testkit';
import { assertApplies, type Mutation, mutations, nameOf, ROOT } from './mutations.ts';

// `npm run mutations` takes each law's check out and makes the run that is known to break then (caught.json). If that
// run does not break any more, it tries runs of the mutation's scenario, then others, and then the mutation's test, if
// it has one. It fails when nothing catches a mutation, or its text is not in the code any more. `npm run mutations --
// <runs to try for each> [<regular expression for "law 5: …">]` does this for some mutations. Both write caught.json
// again. `npm run mutations -- recorded` makes only the runs in caught.json, within minutes, and fails when one does
// not catch its mutation any more.

/** The record of what caught a mutation: a run, or a test instead of one. */
type Recorded = { seed: number; broken: string } | { test: string; broken: string };

/** What caught a mutation. */
export interface Caught {
  seed: number;
  scenario: string;
  /** The first sentence about what was broken. */
  broken: string;
  /** How many runs were made, this one included. */
  tried: number;
  seconds: number;
}

/** The messages to and from a child process. */
export interface Hunt {
  name: string;
  /** Tried before all other seeds. */
  seed: number | undefined;
  most: number;
}

const HUNG_MS = 30 * 60_000;
const MAX_OUTPUT_BYTES = 100_000_000;
const record = join(import.meta.dirname, 'caught.json');

/**
 * A process that tries one mutation at a time. If it hangs it is replaced: a mutation that never ends counts as caught.
 */
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

/**
 * Runs a mutation's test on the present code and on the mutated code. @returns what failed; undefined when nothing did.
 */
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
    // vitest exits with 1 when a test fails. The report has the result of each test.
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

/** In the order of the mutations, without those that no longer exist. */
function save(): void {
  const entries = mutations.flatMap((mutation) => {
    const entry = known[nameOf(mutation)];
    return entry ? [[nameOf(mutation), entry]] : [];
  });
  writeFileSync(record, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}

/** Finds the run that shows a mutation: the known one, else others. */
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
