import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@kpay/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { definePlugin } from '../faces/plugin.ts';
import { loadPlugins } from '../faces/worker.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

function write(file: string, text: string): string {
  writeFileSync(join(folder.path, file), text);
  return `./${file}`;
}

describe('what KPAY_PLUGINS names', () => {
  it('are loaded in order, by paths from the working directory, plain objects too', async () => {
    const night = write('night.ts', "export default { name: 'night', checks: [{ name: 'hours', check: (): unknown => 1 }] };");
    const audit = write('audit.mjs', "export default { name: 'audit' };");
    const plugins = await loadPlugins([night, join(folder.path, audit)], folder.path);
    expect(plugins.map(({ name }) => name)).toEqual(['night', 'audit']);
  });

  it.each([
    ['missing.js', undefined, /^KPAY_PLUGINS: \.\/missing\.js cannot be loaded \(.*missing\.js.*\)$/],
    ['broken.mjs', "throw new Error('no disk\\nsecond line')", /^KPAY_PLUGINS: \.\/broken\.mjs cannot be loaded \(no disk\)$/],
    ['bare.mjs', 'export const plugin = 1;', /^KPAY_PLUGINS: \.\/bare\.mjs has no default export: export default definePlugin/],
    ['text.mjs', "export default 'text';", 'KPAY_PLUGINS: ./text.mjs is no plugin: must be an object'],
    ['name.mjs', "export default { name: 'No Name' };", /is no plugin: name must be 1 to 32 of a to z, 0 to 9 and -$/],
    ['ours.mjs', "export default { name: 'kpay' };", /is no plugin: name must not be kpay, which is the built-in one$/],
    ['typo.mjs', "export default { name: 'typo', check: [] };", /is no plugin: has unknown parts: check$/],
    [
      'check.mjs',
      "export default { name: 'a', checks: [{ name: 'b' }] };",
      /is no plugin: checks\[0\]\.check must be a function$/,
    ],
    [
      'twice.mjs',
      "const a = { name: 'a', check() {} }; export default { name: 'x', checks: [a, a] };",
      /is no plugin: checks must not have two of one name$/,
    ],
  ])('is refused in one line that names it: %s', async (file, text, message) => {
    const entry = text === undefined ? `./${file}` : write(file, text);
    const refusal = await loadPlugins([entry], folder.path).catch((error: Error) => error);
    expect(refusal).toMatchObject({ name: 'InvalidSettingsError', message: expect.stringMatching(message) });
    expect(refusal).not.toMatchObject({ message: expect.stringContaining('\n') });
  });

  it('cannot have one name twice', async () => {
    const [first, second] = ['one.mjs', 'two.mjs'].map((file) => write(file, "export default { name: 'same' };"));
    await expect(loadPlugins([first ?? '', second ?? ''], folder.path)).rejects.toThrow(
      'KPAY_PLUGINS: ./two.mjs is named same, and so is ./one.mjs',
    );
  });

  it('can be a package installed where the process started, however it exports', () => {
    for (const [name, how] of [
      ['esm-only', 'import'],
      ['either', 'default'],
    ] as const) {
      const home = join(folder.path, 'node_modules', name);
      mkdirSync(home, { recursive: true });
      writeFileSync(
        join(home, 'package.json'),
        JSON.stringify({ name, type: 'module', exports: { '.': { [how]: './plugin.js' } } }),
      );
      writeFileSync(join(home, 'plugin.js'), `export default { name: '${name}' };`);
    }
    // In a separate process, because vitest resolves packages differently.
    const program = `
      const { loadPlugins } = await import(${JSON.stringify(new URL('../faces/worker.ts', import.meta.url).href)});
      console.log((await loadPlugins(['esm-only', 'either'])).map(({ name }) => name).join());
      await loadPlugins(['not-installed']).catch((error) => console.log(error.message));`;
    const args = ['--conditions=@kpay/source', '--input-type=module', '--eval', program];
    const [loaded, refusal] = execFileSync(process.execPath, args, { cwd: folder.path, encoding: 'utf8' }).split('\n');
    expect(loaded).toBe('esm-only,either');
    expect(refusal).toMatch(/^KPAY_PLUGINS: not-installed cannot be loaded \(Cannot find package 'not-installed'\)$/);
  });

  it('is told by definePlugin already where it is wrong', () => {
    expect(() =>
      definePlugin({ name: 'acme', checks: [{ name: 'slow', timeoutMs: 1e9, check: () => ({ verdict: 'pass' }) }] }),
    ).toThrow('plugin checks[0].timeoutMs must be at most 90000');
  });
});
