import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { assertApplies, type Mutation, mutations, nameOf } from './mutations.ts';

// `npm run mutations`: takes each law's check out and lives the life that is known to break then (caught.json). Where it
// does not break any more, lives of the mutation's theme are tried, then others. Fails when a mutation is caught by none,
// or its text is not in the code any more.
// `npm run mutations -- <lives to try for each> [<regular expression for "law 5: …">]` does so for some; both write caught.json anew.

/** What caught a mutation. */
export interface Caught {
  seed: number;
  theme: string;
  /** The first sentence of what was broken. */
  broken: string;
  /** Of how many lives it was the last. */
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
const record = join(import.meta.dirname, 'caught.json');

/** A process that hunts for one mutation at a time. One that hangs is replaced: a mutant that never ends is caught. */
class Hunter {
  private child: ChildProcess | undefined;

  async hunt(asked: Hunt): Promise<Caught | undefined> {
    this.child ??= fork(join(import.meta.dirname, 'hunt.ts'), { execArgv: ['--conditions=@kpay/source'] });
    const { child } = this;
    const answer = Promise.withResolvers<Caught | undefined>();
    const hung = setTimeout(() => answer.reject(new Error(`${asked.name}: its lives never ended`)), HUNG_MS);
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

const [most = '60', pattern = ''] = process.argv.slice(2);
if (!/^\d+$/.test(most))
  throw new Error('usage: npm run mutations [-- <lives to try for each> [<regular expression for "law 5: …">]]');
const chosen = mutations.filter((mutation) => new RegExp(pattern).test(nameOf(mutation)));
for (const mutation of chosen) assertApplies(mutation);

const known = JSON.parse(readFileSync(record, 'utf8')) as Record<string, { seed: number; broken: string }>;
const queue = [...chosen];
const found = new Map<Mutation, Caught | undefined>();
const startedMs = performance.now();

/** In the order of the mutations, and without those that are no more. */
function save(): void {
  const entries = mutations.flatMap((mutation) => {
    const entry = known[nameOf(mutation)];
    return entry ? [[nameOf(mutation), entry]] : [];
  });
  writeFileSync(record, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}

async function work(): Promise<void> {
  const hunter = new Hunter();
  for (let mutation = queue.shift(); mutation; mutation = queue.shift()) {
    const name = nameOf(mutation);
    const caught = await hunter.hunt({
      name,
      seed: known[name]?.seed,
      most: mutation.elsewhere === undefined ? Number(most) : 5,
    });
    found.set(mutation, caught);
    if (caught) known[name] = { seed: caught.seed, broken: caught.broken };
    save();
    const { seed = 'none', theme = '', tried = Number(most), seconds = 0 } = caught ?? {};
    const seen = caught?.broken ?? mutation.elsewhere ?? '**nothing**';
    process.stdout.write(
      `| ${mutation.law} | ${mutation.what} | ${seed} | ${theme} | ${seen.replaceAll('|', '/')} | ${tried} | ${seconds.toFixed(0)} |\n`,
    );
  }
  hunter.close();
}

process.stdout.write('| law | its check taken out | seed | theme | what was seen | lives | s |\n|---|---|---|---|---|---|---|\n');
await Promise.all(Array.from({ length: availableParallelism() }, work));

const missed = [...found].flatMap(([mutation, caught]) => (caught || mutation.elsewhere !== undefined ? [] : [nameOf(mutation)]));
process.stdout.write(
  `${chosen.length} mutations in ${((performance.now() - startedMs) / 1_000).toFixed(0)} s; ${missed.length} caught by none\n`,
);
for (const name of missed) process.stderr.write(`caught by no life: ${name}\n`);
process.exitCode = missed.length > 0 ? 1 : 0;
