// Bundles pay.mjs as a framework does for its server: target node, every package inside.
import { join } from 'node:path';
import webpack from 'webpack';

const [, , folder] = process.argv;
const compiler = webpack({
  mode: 'production',
  target: 'node22',
  entry: join(import.meta.dirname, 'pay.mjs'),
  output: { path: folder, filename: 'webpack.cjs', library: { type: 'commonjs2' } },
});
compiler.run((error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) {
    console.error(error ?? stats.toString('errors-warnings'));
    process.exitCode = 1;
  }
});
