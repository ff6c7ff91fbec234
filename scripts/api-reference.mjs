// Writes the API reference of the public packages from their types and comments to docs/reference (`npm run api-reference`): Markdown, one
// folder a package, not kept in git. It fails on a warning, such as a link in a comment that leads nowhere. TypeDoc needs a TypeScript with an API of its own, which 7 has not: both are fetched into a folder beside the cache.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec, inParallel, root } from './fresh-projects/tools.mjs';

const tools = { typedoc: '0.28.20', 'typedoc-plugin-markdown': '4.14.1', typescript: '6.0.3' };
const packages = ['packages/core', 'packages/producer', 'packages/admin-client', 'apps/simulator'];

const folder = mkdtempSync(join(tmpdir(), 'kpay-reference-'));
try {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: tools }));
  await exec('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], folder);
  rmSync(join(root, 'docs/reference'), { recursive: true, force: true });
  await inParallel(
    2,
    packages.map((home) => () => describe(home)),
  );
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function describe(home) {
  const { name, exports } = JSON.parse(readFileSync(join(root, home, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap((entry) => entry['@kpay/source'] ?? []);
  const own = join(folder, name.replace('/', '-'));
  mkdirSync(own);
  const compilerOptions = {
    ...{ composite: false, noEmit: true, allowImportingTsExtensions: true, rewriteRelativeImportExtensions: false },
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const sources = entries.map((entry) => join(root, home, entry));
  writeFileSync(
    join(own, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions, files: sources }),
  );
  const out = join(root, 'docs/reference', name.replace('@kpay/', ''));
  await exec(
    process.execPath,
    [
      join(folder, 'node_modules/typedoc/bin/typedoc'),
      ...[
        '--plugin',
        join(folder, 'node_modules/typedoc-plugin-markdown/dist/index.js'),
        '--tsconfig',
        join(own, 'tsconfig.json'),
      ],
      ...sources.flatMap((source) => ['--entryPoints', source]),
      ...['--name', name, '--readme', 'none', '--out', out, '--disableSources'],
      ...['--treatWarningsAsErrors', '--logLevel', 'Warn', '--validation.notExported', 'false'],
    ],
    join(root, home),
  );
  console.log(`${name}: docs/reference/${name.replace('@kpay/', '')}`);
}
