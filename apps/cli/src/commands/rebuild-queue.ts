import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';

export const command = defineCommand({
  name: 'rebuild-queue',
  section: 'system',
  stores: true,
  summary: {
    en: 'remove the advance jobs and make them again from the ledger',
    fr: 'supprimer les tâches d’avancement et les refaire depuis le registre',
  },
  async run({ cli }) {
    const { onStores } = await import('../stores/on-stores.ts');
    const { withMaintenance } = await import('../stores/open-maintenance.ts');
    const rebuilt = await onStores(() => withMaintenance(cli.env, (maintenance) => maintenance.rebuildQueue()));
    for (const { account, thrownAway, made } of rebuilt) {
      await cli.io.print(`${account}: ${thrownAway} advance jobs removed, ${made} made`);
    }
    return exitCodes.done;
  },
});
