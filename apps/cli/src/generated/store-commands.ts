// Made from the files in src/commands. Do not edit: run npm run kpay:reference.
import type { ListedCommand } from '../framework/command.ts';

export const storeCommands: readonly ListedCommand[] = [
  {
    name: "doctor",
    section: "system",
    summary: { en: "look at what the system runs on, and say what is wrong and how to fix it", fr: "examiner ce sur quoi le système tourne, dire ce qui ne va pas et comment le réparer" },
    load: () => import('../commands/doctor.ts'),
  },
  {
    name: "migrate",
    section: "system",
    summary: { en: "bring the ledger's schema up to date, in production: with DATABASE_URL of the role that owns it", fr: "mettre à jour le schéma du registre, en production : avec DATABASE_URL du rôle propriétaire" },
    load: () => import('../commands/migrate.ts'),
  },
  {
    name: "rebuild-queue",
    section: "system",
    summary: { en: "remove the advance jobs and make them again from the ledger", fr: "supprimer les tâches d’avancement et les refaire depuis le registre" },
    load: () => import('../commands/rebuild-queue.ts'),
  },
  {
    name: "restore finish",
    section: "system",
    summary: { en: "after a restored backup: move every unfinished transfer to review, and let the workers send again", fr: "après une sauvegarde restaurée : mettre à vérifier tout transfert inachevé, et laisser envoyer de nouveau" },
    load: () => import('../commands/restore-finish.ts'),
  },
  {
    name: "restore settle",
    section: "system",
    summary: { en: "settle many transfers in review by what you found out", fr: "trancher beaucoup de transferts à vérifier par ce que vous avez trouvé" },
    load: () => import('../commands/restore-settle.ts'),
  },
  {
    name: "up",
    section: "system",
    summary: { en: "start everything in this process: worker, exporter, admin API, and a local KPay when no key is set", fr: "tout démarrer dans ce processus : worker, exporter, API, et un KPay local sans clé" },
    load: () => import('../commands/up.ts'),
  },
];
