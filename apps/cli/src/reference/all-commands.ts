import { readdirSync } from 'node:fs';
import type { Command, ListedCommand } from '../framework/command.ts';
import { sections } from '../framework/command.ts';

export interface FoundCommand {
  file: string;
  command: Command;
}

/** Every command there is a file of, in the order of the help: by section, then by name. */
export async function findCommands(folder: URL): Promise<FoundCommand[]> {
  const files = readdirSync(folder).filter((name) => /^[a-z-]+\.ts$/.test(name));
  const found = await Promise.all(
    files.map(async (name) => {
      const { command } = (await import(new URL(name, folder).href)) as { command: Command };
      if (command === undefined) throw new Error(`src/commands/${name} exports no command`);
      return { file: name, command };
    }),
  );
  const rank = ({ section }: Command) => sections.indexOf(section);
  return found.toSorted((a, b) => rank(a.command) - rank(b.command) || (a.command.name < b.command.name ? -1 : 1));
}

/** The commands of a list, loaded. */
export function loadAll(listed: readonly ListedCommand[]): Promise<Command[]> {
  return Promise.all(listed.map(async ({ load }) => (await load()).command));
}
