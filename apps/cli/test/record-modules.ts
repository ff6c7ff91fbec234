// Preloaded with --import. When the process ends, it writes the npm packages that were loaded, one a line.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const packages = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    const name = /.*\/node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)\//.exec(url)?.groups?.name;
    if (name) packages.add(name);
    return nextLoad(url, context);
  },
});
process.once('exit', () => writeFileSync(process.env.RECORD_MODULES_IN ?? '', [...packages].join('\n')));
