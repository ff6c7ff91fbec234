import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Runs a program to its end and answers what it printed. */
export async function exec(command, args, cwd, env = {}) {
  try {
    // NODE_OPTIONS could resolve the workspace's sources in place of what was packed.
    const { NODE_OPTIONS: _, NODE_COMPILE_CACHE: __, ...inherited } = process.env;
    const options = { cwd, env: { ...inherited, ...env }, timeout: 180_000, maxBuffer: 16 * 1024 ** 2 };
    const { stdout } = await promisify(execFile)(command, args, options);
    return stdout;
  } catch (error) {
    // Of a program in one line, minified, Node shows the whole line.
    const said = `${error.stdout}${error.stderr}`.replaceAll(/^.{1000,}$/gm, (line) => `${line.slice(0, 200)}…`);
    throw new Error(`${basename(command)} ${args.join(' ').slice(0, 300)} failed: ${said.slice(-6_000)}`, { cause: error });
  }
}

/** Runs tasks, so many at once. All are run; the first failures are thrown together. */
export async function inParallel(count, tasks) {
  const failures = [];
  const queue = tasks.values();
  const work = async () => {
    for (const task of queue) await task().catch((error) => failures.push(error));
  };
  await Promise.all(Array.from({ length: count }, work));
  if (failures.length > 0) throw new AggregateError(failures, failures.map((error) => error.message).join('\n\n'));
}

/** The version of a package that the workspace has. */
export function pinned(name) {
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const version = new RegExp(`^  "?${name}"?: (.+)$`, 'm').exec(workspace)?.[1];
  if (!version) throw new Error(`${name} is not in the catalog`);
  return version;
}

/** The names of the packages in what `npm ls --all --json` prints. */
export function namesIn(tree, names = new Set()) {
  for (const [name, subtree] of Object.entries(tree.dependencies ?? {})) {
    // npm lists an optional peer that is not installed as an empty object.
    if (subtree.version) names.add(name);
    namesIn(subtree, names);
  }
  return names;
}

export function medianOf(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
