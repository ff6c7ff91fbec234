// What a stranger gets (`npm run test:packages`): packs each public package, installs it into fresh projects from its tarball, and
// runs the projects of scripts/fresh-projects and every example of the READMEs. It needs a build (`npm run build`) and the npm registry;
// the examples of producer, ledger and transfers need a redis-server and a Postgres too.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createContext, runInContext } from 'node:vm';
import { createSimulator } from '../apps/simulator/dist/index.js';
import { startStandIn } from '../packages/producer/test/stand-in-worker.ts';
import { startPostgres, startRedis } from '../packages/testkit/dist/index.js';
import { examplesOf, saidBy } from './fresh-projects/readme-examples.mjs';
import { exec, inParallel, medianOf, namesIn, pinned, root } from './fresh-projects/tools.mjs';

const MAX_BYTES = { parseAmount: 4_000, client: 500_000 };
const MAX_IMPORT_MS = 60;
/** What stripe's import took on the machine and day when the limit was chosen: a slower machine gets more time in proportion. */
const STRIPE_IMPORT_MS = 77;
const IMPORTS = 15;
const MAX_PACKAGES = 3;

/** What core, simulator and producer meet in one project, in exact versions; those that the workspace has are its own. */
const tools = {
  stripe: '23.1.0',
  esbuild: '0.28.2',
  webpack: '5.113.0',
  jest: '30.5.2',
  vitest: pinned('vitest'),
  ioredis: pinned('ioredis'),
  ioredis5: 'npm:ioredis@5.11.1',
  typescript: pinned('typescript'),
  'typescript5.9': 'npm:typescript@5.9.3',
  'typescript5.4': 'npm:typescript@5.4.5',
  '@types/node': pinned('@types/node'),
  node22: `npm:node-${process.platform}-${process.arch}@22.19.0`,
  node20: `npm:node-${process.platform}-${process.arch}@20.19.4`,
};

const started = performance.now();
const temporary = mkdtempSync(join(tmpdir(), 'kpay-pack-'));
const all = join(temporary, 'all');
const say = (text) => console.log(`[${((performance.now() - started) / 1_000).toFixed(0).padStart(3)}s] ${text}`);

/** Stands behind @kpay/transfers, which is not on the registry yet either. */
const inner = ['core', 'ledger', 'producer'];
const folders = {
  core: 'packages/core',
  producer: 'packages/producer',
  'admin-client': 'packages/admin-client',
  simulator: 'apps/simulator',
  ledger: 'packages/ledger',
  transfers: 'packages/transfers',
  cli: 'apps/cli/dist/package',
};

async function test() {
  await inParallel(
    3,
    Object.keys(folders).map((name) => () => pack(name)),
  );
  say(`packed ${Object.keys(folders).join(', ')}`);
  await inParallel(4, [
    () => install(all, ['core', 'producer', 'admin-client', 'simulator'], tools),
    () => install(join(temporary, 'core'), ['core']),
    () => install(join(temporary, 'producer'), ['producer']),
    () => install(join(temporary, 'ledger'), ['ledger'], { pg: pinned('pg'), '@types/pg': pinned('@types/pg') }),
    () => install(join(temporary, 'transfers'), ['transfers', ...inner], { pg: pinned('pg'), '@types/pg': pinned('@types/pg') }),
    () => install(join(temporary, 'admin-client'), ['admin-client']),
    () => install(join(temporary, 'cli'), ['cli']),
    ...Object.keys(folders).map((name) => () => judge(name)),
  ]);
  say('installed; publint and arethetypeswrong find nothing');
  cpSync(join(root, 'scripts/fresh-projects'), all, { recursive: true });

  // First and alone: it is a measurement.
  await importsSoon();
  await inParallel(availableParallelism(), [
    () => bringsOnly('core', { most: MAX_PACKAGES, none: ['pg', 'express', 'bullmq'] }),
    () => bringsOnly('producer', { none: ['pg', 'express'] }),
    () => bringsOnly('ledger', { none: ['express', 'bullmq'] }),
    () => bringsOnly('transfers', { none: ['express', 'testcontainers'] }),
    () => bringsOnly('admin-client', { most: 1, none: [] }),
    commandLine,
    ...javaScript(),
    ...bundles(),
    ...typeScript(),
    jest,
    vitest,
    sourceMapsResolve,
    () => readmes(['core', 'producer', 'admin-client', 'simulator']),
    examples,
    () => withPostgres('ledger', '0 transfers'),
    () => withPostgres('transfers', 'queued true true\naccepted'),
  ]);
}

async function pack(name) {
  await exec('pnpm', ['pack', '--pack-destination', temporary], join(root, folders[name]));
}

function tarballOf(name) {
  const [file] = globSync(`kpay-${name}-*.tgz`, { cwd: temporary });
  if (!file) throw new Error(`@kpay/${name} has not been packed`);
  return join(temporary, file);
}

async function install(project, names, others = {}) {
  mkdirSync(project);
  const dependencies = { ...Object.fromEntries(names.map((name) => [`@kpay/${name}`, `file:${tarballOf(name)}`])), ...others };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  await exec('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], project);
}

async function judge(name) {
  const home = join(root, folders[name]);
  await exec(join(root, 'node_modules/.bin/publint'), [tarballOf(name), '--strict'], home);
  // A program is imported by nobody.
  if (name === 'cli') return;
  // These are for applications that are ES modules, as this repository's own are.
  const kinds = ['ledger', 'transfers'].includes(name) ? ['--profile', 'esm-only'] : [];
  await exec(join(root, 'node_modules/.bin/attw'), [tarballOf(name), ...kinds], home);
}

async function bringsOnly(name, { most = Number.POSITIVE_INFINITY, none }) {
  const project = join(temporary, name);
  const brought = namesIn(JSON.parse(await exec('npm', ['ls', '--all', '--json'], project)));
  const unwanted = none.filter((each) => brought.has(each));
  if (unwanted.length > 0) throw new Error(`@kpay/${name} brings ${unwanted.join(', ')}`);
  if (brought.size > most) throw new Error(`@kpay/${name} brings ${brought.size} packages: ${[...brought].join(' ')}`);
  for (const file of ['LICENSE', 'README.md', 'dist', ...(name in { core: 1, producer: 1 } ? ['CHANGELOG.md'] : [])]) {
    if (!existsSync(join(project, 'node_modules/@kpay', name, file))) throw new Error(`@kpay/${name} comes without ${file}`);
  }
  say(`@kpay/${name} installs ${brought.size} ${brought.size === 1 ? 'package' : 'packages'}: ${[...brought].sort().join(' ')}`);
}

/** The published command line: alone, whole, and clear about what it has not. */
async function commandLine() {
  const project = join(temporary, 'cli');
  const brought = namesIn(JSON.parse(await exec('npm', ['ls', '--all', '--json'], project)));
  if (brought.size !== 1) throw new Error(`@kpay/cli brings ${[...brought].join(' ')}`);
  const { version } = JSON.parse(readFileSync(join(root, 'apps/cli/package.json'), 'utf8'));
  const env = { PATH: process.env.PATH, KPAY_CONFIG_DIR: join(project, 'none'), LANG: 'C' };
  const kpay = (...words) => spawnSync(join(project, 'node_modules/.bin/kpay'), words, { env, encoding: 'utf8' });
  const wanted = [
    [kpay('--version'), 0, `${version}\n`],
    [kpay('--help'), 0, 'transfer create'],
    [kpay('up'), 2, 'the repository or the image'],
    [kpay('balances'), 4, 'kpay login'],
    [kpay('transfer', 'create', '--from', 'CMR', '--to', 'GAB', '--amount', '1.500'), 2, 'two ways'],
  ];
  for (const [{ status, stdout, stderr }, code, text] of wanted) {
    if (status !== code || !`${stdout}${stderr}`.includes(text)) throw new Error(`kpay ended with ${status}: ${stdout}${stderr}`);
  }
  if (!existsSync(join(project, 'node_modules/@kpay/cli/man/kpay.1'))) throw new Error('@kpay/cli comes without its man page');
  say('@kpay/cli installs itself alone and runs');
}

/** Runs a program against a simulator of its own: KPay's limit is one for all who use a key. */
async function withSimulator(run) {
  const simulator = await createSimulator({ port: 0 });
  try {
    return await run({ KPAY_API_KEY: 'kpay_test_simulator', KPAY_SECRET_KEY: 'simulator-secret', KPAY_BASE_URL: simulator.url });
  } finally {
    await simulator.close();
  }
}

const PAID = JSON.stringify([
  ...['Simulator application', 'XAF', true, '1.0153', 'MTN_MOMO_CMR', true, '1.0153'],
  ...[true, true, 409],
  ...[12, '1500.50', 'function'],
]);

const nodes = () => ({ 24: process.execPath, 22: join(all, 'node_modules/node22/bin/node') });

/** Runs a program that pays on both versions of Node. */
async function pays(what, file, cwd = all) {
  for (const [version, node] of Object.entries(nodes())) {
    const output = await withSimulator((env) => exec(node, [file], cwd, env));
    if (output.trim() !== PAID) throw new Error(`${what} on Node ${version} printed: ${output}`);
  }
  say(`${what}: pays on Node 22 and 24`);
}

function javaScript() {
  return [
    () => pays('JavaScript by import', 'pay.mjs'),
    () => pays('JavaScript by require', 'pay.cjs'),
    async function oldNode() {
      for (const file of ['pay.mjs', 'pay.cjs']) {
        const { status, stderr } = spawnSync(join(all, 'node_modules/node20/bin/node'), [file], { cwd: all, encoding: 'utf8' });
        const line = 'Error: @kpay/core needs Node 22.19 or later, and this is Node 20.19.4.';
        if (status === 0 || !stderr.split('\n').includes(line)) throw new Error(`${file} on Node 20 said: ${stderr}`);
      }
      say('Node 20 is refused in one line');
    },
  ];
}

async function importsSoon() {
  const program = (name) => `const t = performance.now(); await import('${name}'); console.log(performance.now() - t)`;
  const names = ['@kpay/core', 'stripe', '@kpay/core/money'];
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let turn = 0; turn < IMPORTS; turn += 1) {
    for (const name of names) {
      times[name].push(Number(await exec(process.execPath, ['--input-type=module', '-e', program(name)], all)));
    }
  }
  const medians = names.map((name) => `${name} ${medianOf(times[name]).toFixed(1)} ms`);
  say(`import, median of ${IMPORTS}: ${medians.join(', ')}`);
  const core = medianOf(times['@kpay/core']);
  const most = MAX_IMPORT_MS * Math.max(1, medianOf(times.stripe) / STRIPE_IMPORT_MS);
  if (core > most) throw new Error(`the import of @kpay/core takes ${core.toFixed(1)} ms, more than ${most.toFixed(1)}`);
}

/** Bundles run where no package is: nothing may be left outside. */
function bundles() {
  const bare = join(temporary, 'bundles');
  mkdirSync(bare);
  const esbuild = (entry, format, file, options = ['--platform=node', '--target=node22']) =>
    exec(
      join(all, 'node_modules/esbuild/bin/esbuild'),
      [
        ...[
          entry,
          '--bundle',
          '--minify',
          `--format=${format}`,
          `--outfile=${join(bare, file)}`,
          '--log-level=warning',
          ...options,
        ],
      ],
      all,
    );
  const bytesOf = (file) => readFileSync(join(bare, file)).length;
  const within = (what, bytes, most) => {
    if (bytes > most) throw new Error(`${what} bundles to ${bytes} bytes, more than ${most}`);
    return `${(bytes / 1_000).toFixed(1)} kB`;
  };
  return [
    async function serverBundles() {
      await esbuild('pay.mjs', 'esm', 'esm.mjs');
      await esbuild('pay.mjs', 'cjs', 'from-esm.cjs');
      await esbuild('pay.cjs', 'cjs', 'cjs.cjs');
      const client = within('the client', bytesOf('esm.mjs'), MAX_BYTES.client);
      writeFileSync(join(all, 'stripe.mjs'), "import Stripe from 'stripe'; globalThis.stripe = new Stripe('sk_test_x');");
      await esbuild('stripe.mjs', 'esm', 'stripe.mjs');
      await esbuild('parse-amount.mjs', 'esm', 'parse-amount.mjs');
      const small = within('parseAmount', bytesOf('parse-amount.mjs'), MAX_BYTES.parseAmount);
      say(
        `bundled and minified: parseAmount ${small}, the client ${client}, stripe ${within('stripe', bytesOf('stripe.mjs'), 1e9)}`,
      );
      await pays('esbuild, ES module', join(bare, 'esm.mjs'), bare);
      await pays('esbuild, CommonJS of ES modules', join(bare, 'from-esm.cjs'), bare);
      await pays('esbuild, CommonJS', join(bare, 'cjs.cjs'), bare);
      const printed = await exec(process.execPath, [join(bare, 'parse-amount.mjs')], bare);
      if (printed !== '150050n\n') throw new Error(`the bundle of parseAmount printed: ${printed}`);
    },
    async function webpackBundle() {
      // As Next.js bundles what runs on the server, with no package left outside.
      await exec(process.execPath, ['webpack.mjs', bare], all);
      await pays('webpack for a server', join(bare, 'webpack.cjs'), bare);
    },
    async function browserBundle() {
      await esbuild('catalogue.mjs', 'iife', 'catalogue.js', ['--platform=browser', '--target=es2022']);
      // No process, no Buffer, no require: what V8 has and nothing else.
      const page = createContext({});
      runInContext(readFileSync(join(bare, 'catalogue.js'), 'utf8'), page);
      if (!/^12 \d+ KES 1500\.50$/.test(page.shown)) throw new Error(`the catalogue in a browser showed: ${page.shown}`);
      say(`catalogue and money in a browser: ${(bytesOf('catalogue.js') / 1_000).toFixed(1)} kB`);
    },
  ];
}

const STRICT = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, types: ['node'] };

/** A project for each compiler and kind of modules. What comes out of it runs. */
function typeScript() {
  const kinds = {
    'ES modules': { type: 'module', options: { module: 'nodenext', target: 'es2022' } },
    'CommonJS by NodeNext': { type: 'commonjs', options: { module: 'nodenext', target: 'es2022' } },
    // Of old: before TypeScript 7 it looks for packages without their `exports`.
    CommonJS: { type: 'commonjs', options: { module: 'commonjs', target: 'es2022', esModuleInterop: true } },
    'for a bundler': {
      type: 'module',
      options: { module: 'esnext', moduleResolution: 'bundler', target: 'es2022' },
      runs: false,
    },
  };
  const compilers = { 5.4: 'typescript5.4', 5.9: 'typescript5.9', '7.0': 'typescript' };
  return Object.entries(compilers).flatMap(([version, compiler]) =>
    Object.entries(kinds)
      .filter(([, { runs }]) => runs !== false || version === '7.0')
      .map(([kind, { type, options, runs = true }], at) => async () => {
        const project = join(all, `typescript-${version}-${at}`);
        mkdirSync(project);
        cpSync(join(all, 'pay.ts'), join(project, 'pay.ts'));
        writeFileSync(join(project, 'package.json'), JSON.stringify({ type }));
        const compilerOptions = { ...STRICT, ...options, outDir: 'out', skipLibCheck: version === '5.4' };
        writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['pay.ts'] }));
        await exec(process.execPath, [join(all, 'node_modules', compiler, 'bin/tsc'), '-p', '.'], project);
        const what = `TypeScript ${version}, ${kind}`;
        if (runs) await pays(what, join(project, 'out/pay.js'), project);
        else say(`${what}: compiles`);
      }),
  );
}

async function jest() {
  const config = { testMatch: ['**/kpay.jest.cjs'], testPathIgnorePatterns: ['/node_modules/'], transform: {} };
  await exec(process.execPath, ['node_modules/jest/bin/jest.js', '--config', JSON.stringify(config)], all);
  say('Jest (CommonJS): passes');
}

async function vitest() {
  await exec(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.config.mjs'], all);
  say('Vitest: passes');
}

/** Each map tells its sources, or they are shipped. */
async function sourceMapsResolve() {
  const maps = ['core', 'producer', 'admin-client', 'simulator'].flatMap((name) =>
    globSync(`node_modules/@kpay/${name}/dist/**/*.map`, { cwd: all }),
  );
  for (const map of maps) {
    const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(all, map), 'utf8'));
    const lost = sources.filter((source, at) => !sourcesContent[at] && !existsSync(join(all, dirname(map), source)));
    if (lost.length > 0) throw new Error(`${map} names ${lost.join(', ')}, which nobody has`);
  }
  if (maps.length === 0) throw new Error('no source map is shipped');
  say(`${maps.length} source maps resolve`);
}

/** Type-checks and runs each example of the READMEs, and holds what it prints against its comments. */
async function readmes(names) {
  const project = join(all, 'readmes');
  mkdirSync(project);
  const examples = names.flatMap((name) => examplesOf(folders[name]));
  for (const { name, program } of examples) writeFileSync(join(project, name), program);
  const compilerOptions = { ...STRICT, module: 'nodenext', target: 'es2024', noEmit: true, skipLibCheck: false };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await exec(process.execPath, [join(all, 'node_modules/typescript/bin/tsc'), '-p', '.'], project);

  await withQueue(async (queue) => {
    // The admin API's own tests run its calls.
    for (const { name, where, code } of examples.filter((each) => !each.isTest && !each.where.includes('admin-client'))) {
      const printed = await withSimulator((kpay) =>
        exec(process.execPath, [name], project, { ...kpay, ...queue, KPAY_TOKEN: 'a-key' }),
      ).catch((error) => {
        throw new Error(`${where}: ${error.message}`);
      });
      const lines = printed.trim().split('\n');
      for (const said of saidBy(code)) {
        const at = lines.indexOf(said);
        if (at === -1) throw new Error(`${where} says that it prints ${said}, and printed:\n${printed}`);
        lines.splice(0, at + 1);
      }
    }
  });
  if (examples.some((each) => each.isTest)) {
    await exec(process.execPath, ['../node_modules/vitest/vitest.mjs', 'run', '--root', '.'], project);
  }
  const counts = names.map((name) => `${name} ${examples.filter((each) => each.where.startsWith(folders[name])).length}`);
  say(`READMEs: every example compiles, runs and prints what it says (${counts.join(', ')})`);
}

/** The example projects: their tests, and one that needs a queue. */
async function examples() {
  cpSync(join(root, 'examples'), join(all, 'examples'), { recursive: true, filter: (path) => !path.includes('node_modules') });
  const vitest = [join(all, 'node_modules/vitest/vitest.mjs'), 'run', '--root', join(all, 'examples')];
  await exec(process.execPath, [...vitest, 'checkout', 'send-once'], all);
  const payroll = join(all, 'examples/payroll');
  const printed = await withQueue((env) => exec(process.execPath, ['src/enqueue.ts', 'payroll.csv'], payroll, env));
  if (printed !== 'november-ada succeeded 50000\nnovember-kofi succeeded 50000\n') throw new Error(`payroll printed: ${printed}`);
  say('examples: checkout, send-once and payroll run');
}

/** Runs something beside a Redis and a worker that says yes to every transfer. */
async function withQueue(run) {
  const redis = await startRedis();
  if ('unavailable' in redis) throw new Error(redis.unavailable);
  const worker = startStandIn(redis.url, 'default');
  try {
    return await run({ REDIS_URL: redis.url });
  } finally {
    await worker.close();
    await redis.stop();
  }
}

async function withPostgres(name, prints) {
  const project = join(temporary, name);
  const [{ code, where }] = examplesOf(folders[name]);
  writeFileSync(join(project, 'example.ts'), code);
  const compilerOptions = { ...STRICT, noUncheckedIndexedAccess: false, module: 'nodenext', target: 'es2024', noEmit: true };
  const typeRoots = [join(root, 'node_modules/@types')];
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots }, files: ['example.ts'] }),
  );
  await exec(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], project);
  const postgres = await startPostgres();
  if ('unavailable' in postgres) throw new Error(postgres.unavailable);
  try {
    const output = await exec(process.execPath, ['example.ts'], project, { DATABASE_URL: postgres.url });
    if (!output.includes(prints)) throw new Error(`${where} printed: ${output}`);
  } finally {
    await postgres.stop();
  }
  say(`@kpay/${name}: its example runs on a Postgres`);
}

try {
  await test();
  say('every package stands alone');
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
} finally {
  if (process.env.KPAY_KEEP_PROJECTS) say(`kept in ${temporary}`);
  else rmSync(temporary, { recursive: true });
}
