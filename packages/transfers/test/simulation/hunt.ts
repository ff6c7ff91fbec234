import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { PGlite } from '@electric-sql/pglite';
import { openTestPglite } from '../../../ledger/test/test-ledger.ts';
import type { Caught, Hunt } from './mutate.ts';
import { type Mutation, mutated, mutations, nameOf, ROOT } from './mutations.ts';
import { live } from './run.ts';
import { scenarioOf, seedOf } from './scenarios.ts';
import { openUniverse } from './world.ts';

// A child process of mutate.ts. Each mutation is a copy of our modules in memory: the same addresses with a query, each
// loaded with the mutation's edits. Installed packages and one PGlite serve all copies.

type Graph = { run: typeof import('./run.ts'); world: typeof import('./world.ts') };

const copies = new Map<string, Mutation>();

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const copy = context.parentURL?.split('?')[1];
    if (copy === undefined || !resolved.url.startsWith(ROOT.href) || resolved.url.includes('/node_modules/')) return resolved;
    return { ...resolved, url: `${resolved.url.split('?')[0]}?${copy}` };
  },
  load(url, context, next) {
    const [path = url, copy = ''] = url.split('?');
    const mutation = copies.get(copy);
    if (!mutation) return next(url, context);
    const loaded = next(path, context);
    const text = readFileSync(fileURLToPath(path), 'utf8');
    return { ...loaded, source: mutated(mutation, path, text) };
  },
});

async function hunt(pglite: PGlite, { name, seed, most }: Hunt): Promise<Caught | undefined> {
  const startedMs = performance.now();
  const mutation = mutations.find((each) => nameOf(each) === name);
  if (!mutation) throw new Error(`there is no mutation "${name}"`);
  const copy = `copy=${copies.size + 1}`;
  copies.set(copy, mutation);
  const graph: Graph = { run: await import(`./run.ts?${copy}`), world: await import(`./world.ts?${copy}`) };
  const universe = await graph.world.openUniverse(pglite);
  try {
    let tried = 0;
    for (const next of seedsFor(mutation, seed, most)) {
      tried += 1;
      const broken = await graph.run.live(universe, next).then(
        () => undefined,
        (error: unknown) => firstSentence(error),
      );
      if (broken === undefined) continue;
      // A run that also breaks without the mutation shows nothing about it.
      await live(await sound, next);
      return { seed: next, scenario: scenarioOf(next).name, broken, tried, seconds: (performance.now() - startedMs) / 1_000 };
    }
    return undefined;
  } finally {
    await universe.close();
  }
}

/** The known seed, then seeds of the mutation's scenario, then all others. */
function seedsFor({ scenario }: Mutation, known: number | undefined, most: number): number[] {
  const all = Array.from({ length: most }, (_, index) => index + 1);
  const itsOwn = all.map((number) => seedOf(scenario ?? '', number)).filter((seed) => seed !== undefined);
  const ordered = [...itsOwn.slice(0, Math.ceil(most * 0.8)), ...all];
  return [...new Set([...(known === undefined ? [] : [known]), ...ordered])].slice(0, most);
}

function firstSentence(error: unknown): string {
  const [first = ''] = String(error).split('\n');
  return first.replace(/^(\w*[eE]rror: )+/, '').slice(0, 140);
}

process.on('disconnect', () => process.exit(1));
const pglite = await openTestPglite();
const sound = openUniverse();
process.on('message', (asked: Hunt) => {
  hunt(pglite, asked).then(
    (caught) => process.send?.({ caught }),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
