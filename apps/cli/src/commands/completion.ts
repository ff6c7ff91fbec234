import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';

export const command = defineCommand({
  name: 'completion',
  section: 'setup',
  summary: { en: 'write the completion script of a shell', fr: "écrire le script de complétion d'un shell" },
  arguments: {
    shell: { required: true, choices: ['bash', 'zsh', 'fish'], summary: { en: 'the shell', fr: 'le shell' } },
  },
  examples: ['completion bash > /etc/bash_completion.d/kpay', 'completion fish > ~/.config/fish/completions/kpay.fish'],
  async run({ arguments: { shell }, cli }) {
    const { completionScript } = await import('../reference/completion.ts');
    const { loadAll } = await import('../reference/all-commands.ts');
    await cli.io.write(completionScript(shell, await loadAll(cli.commands)));
    return exitCodes.done;
  },
});
