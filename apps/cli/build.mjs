// Builds the command line twice. dist/main.js is the whole one, for the repository and the image: its dependencies stay outside.
// dist/package is what npm publishes as @kpay/cli: the client of the API alone, with all of its code inside. Both are few files, of
// which a command loads those that it needs: that is what makes them start soon.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { rolldown } from 'rolldown';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const outside = Object.keys(manifest.dependencies);

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-b'], { stdio: 'inherit' });
await bundle('main', 'src/main.ts', 'dist', (id) => outside.some((name) => id === name || id.startsWith(`${name}/`)));
await bundle('kpay', 'src/published.ts', 'dist/package', () => false);
writePackage();

async function bundle(name, file, dir, isOutside) {
  const bundler = await rolldown({
    input: { [name]: file },
    platform: 'node',
    external: (id) => id.startsWith('node:') || builtinModules.includes(id) || isOutside(id),
    // Whatever comes inside comes from its sources: no build of another package can be stale.
    resolve: { conditionNames: ['@kpay/source', 'import', 'node'] },
    transform: { target: 'node22', define: { KPAY_CLI_VERSION: JSON.stringify(manifest.version) } },
    treeshake: { moduleSideEffects: false },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`the build of ${dir}: ${log.message}`);
    },
  });
  await bundler.write({
    dir,
    format: 'esm',
    minify: dir !== 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name]-[hash].js',
  });
  await bundler.close();
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
    files: ['kpay.js', 'parts', 'man', 'LICENSE', 'README.md'],
  };
  writeFileSync('dist/package/package.json', `${JSON.stringify(published, null, 2)}\n`);
  mkdirSync('dist/package/man', { recursive: true });
  cpSync('man/kpay.1', 'dist/package/man/kpay.1');
  cpSync('../../LICENSE', 'dist/package/LICENSE');
  cpSync('README.md', 'dist/package/README.md');
}
