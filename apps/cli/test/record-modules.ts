// Given to a process by --import: writes the npm packages it loaded, when it ends, one a line.
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
