import { registerHooks } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidSettingsError } from '@kpay/core';
import { type Plugin, problemOf } from './plugin.ts';
import { asPlugin } from './stray-errors.ts';

/**
 * Loads the plugins that KPAY_PLUGINS names, in that order. An entry that begins with . or / is a path relative to
 * `directory`; any other is a package that can be found from there. A plugin is the default export; a plain object of
 * the right shape is enough.
 *
 * @throws InvalidSettingsError, one line that names the entry.
 */
export async function loadPlugins(entries: readonly string[], directory: string = process.cwd()): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  for (const entry of entries) {
    const plugin = await loadPlugin(entry, directory);
    const twin = plugins.findIndex(({ name }) => name === plugin.name);
    if (twin >= 0) throw wrong(entry, `is named ${plugin.name}, and so is ${entries[twin]}`);
    plugins.push(plugin);
  }
  return plugins;
}

async function loadPlugin(entry: string, directory: string): Promise<Plugin> {
  const module = await importFrom(entry, directory);
  if (!('default' in module)) throw wrong(entry, 'has no default export: export default definePlugin({ … })');
  const problem = problemOf(module.default);
  if (problem !== undefined) throw wrong(entry, `is no plugin: ${problem}`);
  return module.default as Plugin;
}

async function importFrom(entry: string, directory: string): Promise<object> {
  const specifier = /^[./]/.test(entry) ? pathToFileURL(resolve(directory, entry)).href : entry;
  // A package is searched from where the process was started, not from where this file is installed.
  const parentURL = pathToFileURL(join(directory, 'package.json')).href;
  const hooks = registerHooks({
    resolve: (wanted, context, next) => next(wanted, wanted === specifier ? { ...context, parentURL } : context),
  });
  try {
    return await asPlugin(entry, () => import(specifier));
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
    // The "imported from" part names only where our search began, so it is cut off.
    throw wrong(entry, `cannot be loaded (${line?.replace(/ imported from .*/, '')})`, error);
  } finally {
    hooks.deregister();
  }
}

function wrong(entry: string, what: string, cause?: unknown): InvalidSettingsError {
  return new InvalidSettingsError(`KPAY_PLUGINS: ${entry} ${what}`, { cause });
}
