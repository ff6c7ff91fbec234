import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addMaintenanceCommands } from '../src/maintenance-commands.ts';

it('a reason on the command line is held against the same rule as one over the API', async () => {
  const said: string[] = [];
  const program = new Command();
  addMaintenanceCommands(program, {}, (line) => said.push(line));
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({ writeErr: (text) => said.push(text) });
  }
  const settle = ['restore', 'settle', '--as', 'happened', '--reason', 'seen\u001b[2J'];
  await expect(program.parseAsync(settle, { from: 'user' })).rejects.toMatchObject({ code: 'commander.invalidArgument' });
  expect(said.join('')).toContain('It must not contain U+001B: control and invisible characters are refused.');
});
