import { defineCommand } from '../framework/command.ts';
import { type ExitCode, exitCodes } from '../framework/exit-codes.ts';

export const command = defineCommand({
  name: 'up',
  section: 'system',
  stores: true,
  summary: {
    en: 'start everything in this process: worker, exporter, admin API, and a local KPay when no key is set',
    fr: 'tout démarrer dans ce processus : worker, exporter, API, et un KPay local sans clé',
  },
  options: {
    demo: {
      type: 'flag',
      summary: {
        en: 'make one transfer, follow it to its end, then stop',
        fr: "faire un transfert, le suivre jusqu'à sa fin, puis arrêter",
      },
    },
  },
  async run({ options, cli }) {
    const { onStores } = await import('../stores/on-stores.ts');
    const { up } = await import('../stores/up.ts');
    // A send that KPay leaves without an answer would keep the process alive; the next start finds it by its lease.
    return (await onStores(() => up(cli.env, options))) === 0 ? exitCodes.done : (exitCodes.failed as ExitCode);
  },
});
