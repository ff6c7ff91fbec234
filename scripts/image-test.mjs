#!/usr/bin/env node
// `npm run test:image`: builds the images of docker/Dockerfile and runs them by docker/compose.test.yaml as a platform would: a
// read-only root, not root, no capability. They must become healthy, move a transfer, show its figures and find nothing wrong with
// the installation, and exit 0 within 10 s of SIGTERM.
//
// Where an image kpay-test/debian:12 is there (a machine without a registry of images), everything is built on it without a
// network; elsewhere on the base that the Dockerfile names.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCAL_BASE = 'kpay-test/debian:12';
const SERVICES = ['worker', 'exporter', 'admin-api', 'simulator'];
const IMAGES = [...SERVICES, 'cli'];
const MAX_BYTES = 150 * 1024 ** 2;
const HEALTHY_WITHIN_MS = 60_000;
const MOVED_WITHIN_MS = 30_000;
const STOPPED_WITHIN_MS = 10_000;
const TOKEN = 'token-of-the-image-test-0123456789';

const localBase = spawnSync('docker', ['image', 'inspect', LOCAL_BASE], { stdio: 'ignore' }).status === 0;
const started = performance.now();
const name = `kpay-image-test-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'kpay-image-test-'));
const say = (text) => console.log(`[${((performance.now() - started) / 1_000).toFixed(0).padStart(3)}s] ${text}`);

const secret = join(folder, 'secret');
const environment = {
  ...process.env,
  // Without BuildKit where the engine is Debian's.
  ...(localBase && { DOCKER_BUILDKIT: '0' }),
  KPAY_TEST_SECRET_FILE: secret,
  COMPOSE_PROJECT_NAME: name,
};

function run(program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
  });
  if (status === 0) return stdout.trim();
  throw new Error(`${program} ${args.join(' ')} failed:\n${stdout?.slice(-4_000)}\n${stderr?.slice(-4_000)}`);
}

const docker = (...args) => run('docker', ...args);
const plugin = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0;
const compose = (...args) =>
  run(...(plugin ? ['docker', 'compose'] : ['docker-compose']), '-f', 'docker/compose.test.yaml', ...args);

function assert(condition, what) {
  if (!condition) throw new Error(what);
}

/** The base to run on, and the arguments of a build. */
function prepareBases() {
  if (!localBase) return { base: 'node:24-bookworm-slim', args: [] };
  const [runtime, tools, build] = ['node-runtime', 'node-tools', 'node-build'].map((image) => `kpay-test/${image}`);
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  copyFileSync(process.execPath, join(programs, 'node'));
  copyFileSync(realpathSync(execFileSync('sh', ['-c', 'command -v pnpm'], { encoding: 'utf8' }).trim()), join(programs, 'pnpm'));
  const users = 'RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node';
  buildBase(runtime, programs, [`FROM ${LOCAL_BASE}`, users, 'COPY node /usr/local/bin/node']);
  buildBase(tools, programs, [`FROM ${runtime}`, 'COPY pnpm /usr/local/bin/pnpm']);
  const store = execFileSync('pnpm', ['store', 'path'], { cwd: root, encoding: 'utf8' }).trim();
  buildBase(build, store, [
    `FROM ${tools}`,
    `COPY . /store/${basename(store)}`,
    // The lock was held against the registry when this machine filled the store; in a build there is no network for it.
    'ENV pnpm_config_store_dir=/store pnpm_config_offline=true pnpm_config_trust_lockfile=true',
  ]);
  return { base: runtime, args: ['--network=none', '--build-arg', `BASE=${runtime}`, '--build-arg', `BUILD_BASE=${build}`] };
}

function buildBase(tag, context, lines) {
  const file = join(folder, 'Dockerfile');
  writeFileSync(file, lines.join('\n'));
  docker('build', '-q', '--network=none', '-t', tag, '-f', file, context);
}

const sizeOf = (image) => Number(docker('image', 'inspect', '-f', '{{.Size}}', image));

async function until(what, withinMs, look) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look().catch((error) => error);
    if (seen === true) return;
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${withinMs / 1_000} s: ${seen}`);
    await delay(200);
  }
}

async function test() {
  const { base, args } = prepareBases();
  say(`base: ${base}`);
  for (const app of IMAGES) {
    const own = ['--build-arg', `APP=${app}`, '--build-arg', 'VERSION=test', '-t', `kpay-test/${app}`];
    docker('build', '-q', ...args, ...own, '-f', 'docker/Dockerfile', '.');
    const bytes = sizeOf(`kpay-test/${app}`) - sizeOf(base);
    say(`${app}: our layers are ${(bytes / 1024 ** 2).toFixed(0)} MB`);
    assert(bytes <= MAX_BYTES, `the layers of ${app} are larger than ${MAX_BYTES / 1024 ** 2} MB`);
  }

  writeFileSync(secret, 'simulator-secret\n', { mode: 0o644 });
  compose('up', '-d');
  const containers = new Map(SERVICES.map((app) => [app, compose('ps', '-q', app)]));
  const of = (app, what) => docker('inspect', '-f', `{{${what}}}`, containers.get(app));
  for (const app of ['worker', 'exporter', 'admin-api']) {
    await until(`the health of ${app}`, HEALTHY_WITHIN_MS, async () => {
      const health = of(app, '.State.Health.Status');
      return health === 'healthy' || health;
    });
    assert(docker('exec', containers.get(app), 'id', '-u') === '1000', `${app} runs as root`);
    const { stderr } = spawnSync('docker', ['exec', containers.get(app), 'touch', '/app/written'], { encoding: 'utf8' });
    assert(/Read-only file system/.test(stderr), `the root of ${app} is not read-only: ${stderr}`);
  }
  say('worker, exporter and admin API are healthy, not root, on a read-only root');

  const api = `http://${compose('port', 'admin-api', '8080')}/v1/transfers`;
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const order = { externalId: 'image-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };
  const accepted = await fetch(api, { method: 'POST', headers, body: JSON.stringify(order) });
  assert(accepted.status === 202, `the API said ${accepted.status}: ${await accepted.clone().text()}`);
  const { id } = await accepted.json();
  await until('the transfer', MOVED_WITHIN_MS, async () => {
    const { state, exchangeRate } = await (await fetch(`${api}/${id}`, { headers })).json();
    return (state === 'succeeded' && exchangeRate === '1.0153') || state;
  });
  say('a transfer was moved');

  const metrics = `http://${compose('port', 'exporter', '9464')}/metrics`;
  await until('KPay in the metrics', MOVED_WITHIN_MS, async () => {
    const text = await (await fetch(metrics)).text();
    return /^kpay_up{account="default"} 1$/m.test(text) && /^kpay_wallet_available_balance{.*currency="XAF".*} [1-9]/m.test(text);
  });
  say('the exporter shows the wallets');

  // Exits 0 only when nothing is wrong and nothing to be warned of.
  const { findings } = JSON.parse(compose('run', '--rm', '-T', 'cli', 'doctor', '--json'));
  assert(findings.length > 5, `kpay doctor looked at too little: ${JSON.stringify(findings)}`);
  say(`kpay doctor finds nothing wrong in ${findings.length} checks`);

  for (const app of SERVICES) {
    const beforeMs = performance.now();
    docker('stop', '-t', '30', containers.get(app));
    const tookMs = performance.now() - beforeMs;
    const code = of(app, '.State.ExitCode');
    assert(code === '0', `${app} exited with ${code} on SIGTERM`);
    assert(tookMs <= STOPPED_WITHIN_MS, `${app} took ${(tookMs / 1_000).toFixed(1)} s to stop`);
    say(`${app}: exited 0, ${(tookMs / 1_000).toFixed(1)} s after SIGTERM`);
  }
}

try {
  await test();
} catch (error) {
  console.error(`image test: ${error.message}`);
  try {
    console.error(compose('logs', '--tail=20'));
  } catch (untold) {
    console.error(untold.message);
  }
  process.exitCode = 1;
} finally {
  compose('down', '-v', '--timeout', '1');
  rmSync(folder, { recursive: true, force: true });
}
