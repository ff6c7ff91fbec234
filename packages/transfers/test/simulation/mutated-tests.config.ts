import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ViteUserConfig } from 'vitest/config';
import base from '../../../../vitest.config.ts';
import { mutated, mutations, nameOf, ROOT } from './mutations.ts';

// The configuration with which mutate.ts runs a test against a mutation. It changes the sources while they are loaded.

const mutation = mutations.find((each) => nameOf(each) === process.env.KPAY_MUTATION);

const plugin = mutation && {
  name: 'mutation',
  enforce: 'pre' as const,
  transform: (code: string, id: string) => mutated(mutation, pathToFileURL(id.split('?')[0] ?? id).href, code),
};

const config: ViteUserConfig = {
  ...base,
  root: fileURLToPath(ROOT),
  plugins: plugin ? [plugin] : [],
  // A cache of one mutation is useless for the next.
  test: { ...base.test, fsModuleCache: false },
};
export default config;
