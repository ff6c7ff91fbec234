import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';

export const command = defineCommand({
  name: 'restore finish',
  section: 'system',
  stores: true,
  summary: {
    en: 'after a restored backup: move every unfinished transfer to review, and let the workers send again',
    fr: 'après une sauvegarde restaurée : mettre à vérifier tout transfert inachevé, et laisser envoyer de nouveau',
  },
  description: { en: 'docs/runbook.md says when.', fr: 'docs/runbook.md dit quand.' },
  options: {
    unseen: {
      type: 'flag',
      summary: {
        en: 'the ledger was restored, although kpay could not notice it',
        fr: "le registre a été restauré, bien que kpay n'ait pu le voir",
      },
    },
  },
  async run({ options: { unseen }, cli }) {
    const { onStores, storesActor } = await import('../stores/on-stores.ts');
    const { withMaintenance } = await import('../stores/open-maintenance.ts');
    const by = storesActor();
    const finished = await onStores(() => withMaintenance(cli.env, (maintenance) => maintenance.finishRestore({ by, unseen })));
    if (finished.outcome === 'not_restored') {
      throw new Failure(exitCodes.failed, {
        en: 'nothing says that this ledger was restored, so nothing was changed; if it was all the same, add --unseen',
        fr: "rien ne dit que ce registre a été restauré, donc rien n'a changé ; s'il l'a été, ajoutez --unseen",
      });
    }
    await cli.io.print(
      `The restore is finished: ${finished.moved} unfinished transfers are in review (restored), and sending goes on.`,
    );
    if (finished.moved > 0) await cli.io.print('Settle them with kpay restore settle, or one by one over the API.');
    return exitCodes.done;
  },
});
