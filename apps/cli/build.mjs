// Builds the command line twice. dist/main.js is the whole one, for the repository and the image: its dependencies stay outside.
// dist/package is what npm publishes as @kpay/cli: the client of the API alone, with all of its code inside. Both are few files, of
// which a command loads those that it needs: that is what makes them start soon.
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
/** Small, and needed before anything else of it would be. */
const INSIDE = '@kpay/core/catalogue';
const SOURCES = join(process.cwd(), 'src');
const outside = Object.keys(manifest.dependencies);

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-b'], { stdio: 'inherit' });
await bundle(
  'main',
  'src/main.ts',
  'dist',
  (id) => id !== INSIDE && outside.some((name) => id === name || id.startsWith(`${name}/`)),
);
const inside = await bundle('kpay', 'src/published.ts', 'dist/package', () => false);
writePackage();
writeLicences(inside);

async function bundle(name, file, dir, isOutside) {
  const bundler = await rolldown({
    input: { [name]: file },
    platform: 'node',
    preserveEntrySignatures: false,
    external: (id) => builtinModules.includes(id) || isOutside(id),
    plugins: [loadBuiltins()],
    // Whatever comes inside comes from its sources: no build of another package can be stale.
    resolve: { conditionNames: ['@kpay/source', 'import', 'node'] },
    transform: { target: 'node22', define: { KPAY_CLI_VERSION: JSON.stringify(manifest.version) } },
    treeshake: { moduleSideEffects: false },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`the build of ${dir}: ${log.message}`);
    },
  });
  const { output } = await bundler.write({
    dir,
    format: 'esm',
    minify: dir !== 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name]-[hash].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        // What every command needs, and then what every command that asks the API needs.
        { name: 'start', test: /\0node:(fs|util|path|os)$|src\/(framework\/(?!parse)|generated\/)/ },
        {
          name: 'client',
          test: /admin-client\/src|src\/(api\/(connect|send|failure-of|find-transfer)|profiles\/|framework\/parse|output\/(table|format|csv|print-result|transfer-words|print-transfer))/,
        },
      ],
    },
  });
  await bundler.close();
  return new Set(
    output.flatMap(({ moduleIds = [] }) => moduleIds.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? [])),
  );
}

/**
 * Node's own modules come by process.getBuiltinModule. An import of node:http or node:fs reads every export of it, and with that
 * loads undici and the streams: 35 ms of a command that needs neither.
 */
function loadBuiltins() {
  const names = new Map();
  for (const file of globSync('src/**/*.ts')) {
    for (const [, list, module] of readFileSync(file, 'utf8').matchAll(/^import \{([^}]+)\} from '(node:[\w/]+)';$/gm)) {
      const known = names.get(module) ?? new Set();
      names.set(module, known);
      for (const name of list.split(','))
        if (name.trim() !== '' && !/^\s*type /.test(name)) known.add(name.trim().replace(/ as .*/, ''));
    }
  }
  return {
    name: 'load-builtins',
    resolveId(id, importer = '') {
      if (!id.startsWith('node:')) return undefined;
      // Of others only the bundler itself asks for one.
      return importer.startsWith(SOURCES) ? { id: `\0${id}`, moduleSideEffects: false } : { id, external: true };
    },
    load(id) {
      if (!id.startsWith('\0node:')) return undefined;
      const module = id.slice(1);
      const exported = [...(names.get(module) ?? [])].map((name) => `export const ${name} = builtin.${name};`);
      return `const builtin = process.getBuiltinModule(${JSON.stringify(module)});\n${exported.join('\n')}`;
    },
  };
}

function writePackage() {
  const { name, version, license, description, type, engines } = manifest;
  const published = {
    name,
    version,
    license,
    description,
    type,
    engines,
    bin: { kpay: './kpay.js' },
    man: './man/kpay.1',
    files: ['kpay.js', 'parts', 'man', 'LICENSE', 'LICENSES.txt', 'README.md'],
  };
  writeFileSync('dist/package/package.json', `${JSON.stringify(published, null, 2)}\n`);
  mkdirSync('dist/package/man', { recursive: true });
  cpSync('man/kpay.1', 'dist/package/man/kpay.1');
  cpSync('../../LICENSE', 'dist/package/LICENSE');
  cpSync('README.md', 'dist/package/README.md');
}

/** Others' code that `batch import` reads lines by comes inside, and its licences with it. Anything else came by mistake. */
function writeLicences(folders) {
  const texts = [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (!['csv-parse', 'zod'].includes(name)) throw new Error(`@kpay/cli would hold code of ${name}`);
    const [licence] = globSync('LICEN[CS]E*', { cwd: folder });
    if (!licence) throw new Error(`${name} comes inside without a licence`);
    return `${name} ${version}\n\n${readFileSync(join(folder, licence), 'utf8').trim()}\n`;
  });
  writeFileSync('dist/package/LICENSES.txt', texts.join('\n----\n\n'));
}
