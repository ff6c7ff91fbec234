// Proves that core, producer, ledger and transfers can be published: packs each, has the tarball judged by publint and "are the
// types wrong", installs it into an empty project with npm, looks at what came with it, type-checks the README's example
// there and runs it on plain Node. Needs a build (`npm run build`) and the npm registry; the examples of producer,
// ledger and transfers need a redis-server and a Postgres too.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSimulator } from '../apps/simulator/dist/index.js';
import { startStandIn } from '../packages/producer/test/stand-in-worker.ts';
import { startPostgres, startRedis } from '../packages/testkit/dist/index.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const DOCUMENTED_URL = 'http://127.0.0.1:8090';

const packages = [
  { name: 'core', mustNotBring: ['pg', 'express', 'bullmq'], run: runAgainstSimulator, prints: 'XAF' },
  { name: 'producer', mustNotBring: ['pg', 'express'], run: runAgainstStandIn, prints: 'moved 50000 at 1' },
  {
    name: 'ledger',
    also: ['pg', '@types/pg'],
    mustNotBring: ['express', 'bullmq'],
    run: runAgainstPostgres,
    prints: '0 transfers',
  },
  {
    name: 'transfers',
    // Not on the registry yet, so their tarballs are installed with it.
    ours: ['core', 'ledger', 'producer'],
    // What the example names besides.
    also: ['pg', '@types/pg'],
    mustNotBring: ['express', 'testcontainers'],
    run: runAgainstPostgres,
    prints: 'queued true true\naccepted',
  },
];

const temporary = mkdtempSync(join(tmpdir(), 'kpay-pack-'));
try {
  for (const wanted of packages) await standsAlone(wanted);
} finally {
  rmSync(temporary, { recursive: true });
}

async function standsAlone({ name, ours = [], also = [], mustNotBring, run, prints }) {
  const home = join(root, 'packages', name);
  const project = join(temporary, name);
  mkdirSync(project);
  await exec('pnpm', ['pack', '--pack-destination', temporary], home);
  const tarballs = [name, ...ours].map((each) => tarballOf(each));
  await check(tarballs[0], home);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await exec('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs, ...also.map(pinned)], project);

  const brought = namesIn(JSON.parse(await exec('npm', ['ls', '--all', '--json'], project)));
  const unwanted = mustNotBring.filter((each) => brought.has(each));
  if (unwanted.length > 0) throw new Error(`@kpay/${name} brings ${unwanted.join(', ')}`);

  const shipped = readdirSync(join(project, 'node_modules/@kpay', name));
  for (const file of ['LICENSE', 'README.md', 'dist']) {
    if (!shipped.includes(file)) throw new Error(`@kpay/${name} comes without ${file}`);
  }
  const example = /```ts\n(.*?)```/s.exec(readFileSync(join(home, 'README.md'), 'utf8'))?.[1];
  if (!example) throw new Error(`the README of @kpay/${name} shows no example`);
  writeFileSync(join(project, 'example.ts'), example);
  await typeCheck(project);
  const output = await run(project, example);
  if (!output.includes(prints)) throw new Error(`the example of @kpay/${name} printed: ${output}`);
  process.stdout.write(
    `@kpay/${name} can be published and stands alone: ${brought.size} packages, ${[...brought].sort().join(' ')}\n`,
  );
}

function tarballOf(name) {
  const file = readdirSync(temporary).find((each) => each.startsWith(`kpay-${name}-`));
  if (!file) throw new Error(`@kpay/${name} has not been packed`);
  return join(temporary, file);
}

async function check(tarball, home) {
  await exec(join(root, 'node_modules/.bin/publint'), [tarball, '--strict'], home);
  // ES modules only: whoever still requires needs Node 22.12, which can require them.
  await exec(join(root, 'node_modules/.bin/attw'), [tarball, '--profile', 'esm-only'], home);
}

/** In the version that the workspace has. */
function pinned(name) {
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const version = new RegExp(`^  "?${name}"?: (.+)$`, 'm').exec(workspace)?.[1];
  if (!version) throw new Error(`${name} is not in the catalog`);
  return `${name}@${version}`;
}

function namesIn(tree, names = new Set()) {
  for (const [name, subtree] of Object.entries(tree.dependencies ?? {})) {
    // npm lists an optional peer that is not installed as an empty object.
    if (subtree.version) names.add(name);
    namesIn(subtree, names);
  }
  return names;
}

/** With the workspace's compiler and types of Node, and declarations of dependencies checked as well. */
async function typeCheck(project) {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
  await exec(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], project);
}

async function runAgainstSimulator(project, example) {
  const simulator = await createSimulator({ port: 0 });
  try {
    if (!example.includes(DOCUMENTED_URL)) throw new Error(`the example does not speak to ${DOCUMENTED_URL}`);
    writeFileSync(join(project, 'example.ts'), example.replace(DOCUMENTED_URL, simulator.url));
    return await exec('node', ['example.ts'], project);
  } finally {
    await simulator.close();
  }
}

async function runAgainstStandIn(project) {
  const redis = await startRedis();
  if ('unavailable' in redis) throw new Error(redis.unavailable);
  const worker = startStandIn(redis.url, 'default');
  try {
    return await exec('node', ['example.ts'], project, { REDIS_URL: redis.url });
  } finally {
    await worker.close();
    await redis.stop();
  }
}

async function runAgainstPostgres(project) {
  const postgres = await startPostgres();
  if ('unavailable' in postgres) throw new Error(postgres.unavailable);
  try {
    return await exec('node', ['example.ts'], project, { DATABASE_URL: postgres.url });
  } finally {
    await postgres.stop();
  }
}

async function exec(command, args, cwd, env = {}) {
  try {
    // NODE_OPTIONS could resolve the workspace's sources in place of what was packed.
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const { stdout } = await promisify(execFile)(command, args, { cwd, env: { ...inherited, ...env }, timeout: 180_000 });
    return stdout;
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')} failed: ${error.stdout}${error.stderr}`, { cause: error });
  }
}
