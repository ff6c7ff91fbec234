// Builds a package for everybody who installs it: ES modules in dist, CommonJS in dist/cjs, types for both.
//
// Each entry of `exports` becomes one file, and what entries share becomes files beside them: few files are read soon, and a bundler
// leaves out the entries that nobody uses. What a package lists in `dependencies` or `peerDependencies` stays outside. What its
// sources import of `devDependencies` comes inside, and only the parts that are used. A bundler, Jest and a project of any module
// kind then meet plain code of one version (decision 0044).
import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { rolldown } from 'rolldown';

const MODULES = `${sep}node_modules${sep}`;

/**
 * Builds the package in the working folder.
 * @param {object} [options]
 * @param {Record<string, string>} [options.instead] Code that stands for a module of another package: `{ 'undici': 'export …' }`, by the
 * end of its path. For what a package has and never uses here.
 */
export async function buildPackage({ instead = {} } = {}) {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  const outside = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const entries = Object.values(manifest.exports).flatMap((entry) => entry['@kpay/source'] ?? []);
  const programs = Object.values(manifest.bin ?? {}).map((file) => file.replace('./dist/', './src/').replace(/\.js$/, '.ts'));

  rmSync('dist', { recursive: true, force: true });
  execFileSync('tsc', ['-b'], { stdio: 'inherit' });
  const inside = await bundle({ dir: 'dist', format: 'esm', entries: [...entries, ...programs], outside, instead });
  // Programs are started by Node itself, which takes ES modules.
  await bundle({ dir: 'dist/cjs', format: 'cjs', entries, outside, instead });
  describeCommonJs();
  writeLicences(inside);
}

async function bundle({ dir, format, entries, outside, instead }) {
  const inside = new Set();
  const bundler = await rolldown({
    input: Object.fromEntries(entries.map((file) => [relative('src', file).replace(/\.ts$/, ''), file])),
    platform: 'node',
    preserveEntrySignatures: 'allow-extension',
    treeshake: { moduleSideEffects: (id) => (id.endsWith('/node-version.ts') ? true : undefined) },
    external: (id) => isBuiltin(id) || outside.some((name) => id === name || id.startsWith(`${name}/`)),
    // undici leaves its second parser out where it is built into something else.
    transform: { target: 'node22', define: { esbuildDetection: 'true' } },
    plugins: [replaceModules(instead), loadBuiltins(), rememberModules(inside)],
    onLog(level, log) {
      if (level === 'warn') throw new Error(`the build of ${dir}: ${log.message}`);
    },
  });
  await bundler.write({
    dir,
    format,
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'inside/[name].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { debugName: 'inside', test: /node_modules/, name: (id) => nameOf(folderOf(id)) },
        // A file of its own, loaded first.
        { name: 'node-version', test: /node-version\.ts$/ },
        { debugName: 'main', name: (id, graph) => (isOnlyOf('index', id, graph) ? 'main' : null) },
      ],
    },
  });
  await bundler.close();
  return inside;
}

const isBuiltin = (id) => id.startsWith('node:') || builtinModules.includes(id);

function replaceModules(instead) {
  return {
    name: 'replace-modules',
    load: (id) => Object.entries(instead).find(([module]) => id.endsWith(`${MODULES}${module}`))?.[1],
  };
}

/**
 * Whether only the main entry needs a module. Those have a file of their own, and the main entry itself holds no statement: then
 * a bundler drops them as a whole when somebody imports of the main entry only what other entries have too.
 */
function isOnlyOf(main, id, graph) {
  if (graph.getModuleInfo(id)?.isEntry) return false;
  const seen = new Set([id]);
  for (const each of seen) {
    const { isEntry, importers = [] } = graph.getModuleInfo(each) ?? {};
    if (isEntry && basename(each, '.ts') !== main) return false;
    if (!isEntry) for (const importer of importers) seen.add(importer);
  }
  return true;
}

/**
 * Node's own modules come from Node, and not by `require`, which is not there when an ES module is bundled once more:
 * esbuild's bundle would die of "Dynamic require of node:assert is not supported".
 */
function loadBuiltins() {
  return {
    name: 'load-builtins',
    transform(code, id) {
      if (!id.includes(MODULES)) return undefined;
      const loaded = code.replaceAll(/\brequire\((['"])(?:node:)?([\w/]+)\1\)/g, (found, _quote, name) =>
        isBuiltin(name) ? `process.getBuiltinModule('node:${name}')` : found,
      );
      // Without a source map: it would be larger than all of ours, of code that we did not write.
      return { code: loaded, map: { mappings: '' } };
    },
  };
}

function rememberModules(inside) {
  return {
    name: 'remember-modules',
    load(id) {
      if (id.includes(MODULES)) inside.add(folderOf(id));
    },
  };
}

/** The folder of the package that a module is part of. */
function folderOf(id) {
  const [, folder] = /^(.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+)/.exec(id) ?? [];
  return folder;
}

const nameOf = (folder) => folder.slice(folder.lastIndexOf(MODULES) + MODULES.length).replace(sep, '-');

/** The declarations once more, in a folder that says what kind of modules they describe. */
function describeCommonJs() {
  for (const file of globSync('**/*.d.ts', { cwd: 'dist', exclude: ['cjs/**'] })) {
    mkdirSync(dirname(join('dist/cjs', file)), { recursive: true });
    copyFileSync(join('dist', file), join('dist/cjs', file));
  }
  writeFileSync('dist/cjs/package.json', `${JSON.stringify({ type: 'commonjs', sideEffects: false })}\n`);
}

/** The licences of what came inside must go with it. */
function writeLicences(inside) {
  const texts = [...inside].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const [licence] = globSync('LICEN[CS]E*', { cwd: folder });
    if (!licence) throw new Error(`${name} comes inside without a licence`);
    return `${name} ${version}\n\n${readFileSync(join(folder, licence), 'utf8').trim()}\n`;
  });
  if (texts.length > 0) writeFileSync('dist/inside/LICENSES.txt', texts.join('\n----\n\n'));
}

// `"build": "node ../../scripts/build-package.mjs"`, for a package that uses all of what comes inside.
if (import.meta.main) await buildPackage();
