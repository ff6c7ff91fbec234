import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';

export const command = defineCommand({
  name: 'migrate',
  section: 'system',
  stores: true,
  summary: {
    en: "bring the ledger's schema up to date, in production: with DATABASE_URL of the role that owns it",
    fr: 'mettre à jour le schéma du registre, en production : avec DATABASE_URL du rôle propriétaire',
  },
  options: {
    grant: {
      type: 'text',
      value: 'role',
      summary: {
        en: 'give this role what the apps need and no more; the apps then use it',
        fr: 'donner à ce rôle ce dont les applications ont besoin, sans plus ; elles l’utilisent ensuite',
      },
    },
  },
  async run({ options: { grant }, cli }) {
    const { onStores } = await import('../stores/on-stores.ts');
    const { migrate } = await import('../stores/migrate.ts');
    const done = await onStores(() => migrate(cli.env, grant));
    await cli.io.print(done.length === 0 ? 'The schema was up to date.' : `The schema is up to date: ${done.join(', ')} done.`);
    if (grant !== undefined) await cli.io.print(`${grant} has the working rights.`);
    return exitCodes.done;
  },
});
