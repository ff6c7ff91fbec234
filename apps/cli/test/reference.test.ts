import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { version } from '../src/framework/version.ts';
import { findCommands } from '../src/reference/all-commands.ts';
import { completionScript, shells } from '../src/reference/completion.ts';
import { listFile } from '../src/reference/list-file.ts';
import { manPage, markdown, surface } from '../src/reference/reference.ts';

// `npm run kpay:reference` writes these files; here they are compared with the commands that there are.
const found = await findCommands(new URL('../src/commands/', import.meta.url));
const commands = found.map(({ command }) => command);
const ofApi = found.filter(({ command }) => !command.stores);
const ofStores = found.filter(({ command }) => command.stores);

const DOCS = new URL('../../../docs/cli.md', import.meta.url);
const MARK = '<!-- From here on made from the commands: npm run kpay:reference -->';

describe('the reference of kpay', () => {
  it('lists each command that has a file', async () => {
    await expect(listFile('commands', ofApi)).toMatchFileSnapshot('../src/generated/commands.ts');
    await expect(listFile('storeCommands', ofStores)).toMatchFileSnapshot('../src/generated/store-commands.ts');
  });

  it('has every word that people rely on in one file', async () => {
    await expect(surface(commands)).toMatchFileSnapshot('golden/commands.txt');
  });

  it('is docs/cli.md', async () => {
    const [head = ''] = readFileSync(DOCS, 'utf8').split(MARK);
    await expect(`${head}${MARK}\n\n${markdown(commands)}`).toMatchFileSnapshot(DOCS.pathname);
  });

  it('is a man page', async () => {
    await expect(
      manPage(
        ofApi.map(({ command }) => command),
        version(),
      ),
    ).toMatchFileSnapshot('../man/kpay.1');
  });

  it.each(shells)('completes in %s', async (shell) => {
    await expect(
      completionScript(
        shell,
        ofApi.map(({ command }) => command),
      ),
    ).toMatchFileSnapshot(`golden/completion.${shell}`);
  });

  it('has each text in both languages, and no two commands of one name', () => {
    const missing = commands.flatMap(({ name, summary, description, options = {}, arguments: args = {}, json }) =>
      [summary, description, json, ...Object.values({ ...options, ...args }).map((spec) => spec.summary)].flatMap((text) =>
        text === undefined || (text.en.trim() !== '' && text.fr.trim() !== '') ? [] : [name],
      ),
    );
    expect(missing).toEqual([]);
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
  });
});
