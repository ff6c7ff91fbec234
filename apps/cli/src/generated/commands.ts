// Made from the files in src/commands. Do not edit: run npm run kpay:reference.
import type { ListedCommand } from '../framework/command.ts';

export const commands: readonly ListedCommand[] = [
  {
    name: "transfer list",
    section: "transfers",
    summary: { en: "list transfers, the newest first", fr: "lister les transferts, les plus récents d’abord" },
    load: () => import('../commands/transfer-list.ts'),
  },
  {
    name: "transfer show",
    section: "transfers",
    summary: { en: "show a transfer", fr: "montrer un transfert" },
    load: () => import('../commands/transfer-show.ts'),
  },
  {
    name: "completion",
    section: "setup",
    summary: { en: "write the completion script of a shell", fr: "écrire le script de complétion d'un shell" },
    load: () => import('../commands/completion.ts'),
  },
  {
    name: "login",
    section: "setup",
    summary: { en: "keep the address and the key of an API as a profile", fr: "garder l'adresse et la clé d'une API dans un profil" },
    load: () => import('../commands/login.ts'),
  },
  {
    name: "profiles",
    section: "setup",
    summary: { en: "list the profiles; no key is shown", fr: "lister les profils ; aucune clé n'est montrée" },
    load: () => import('../commands/profiles.ts'),
  },
  {
    name: "profiles remove",
    section: "setup",
    summary: { en: "forget a profile and its key", fr: "oublier un profil et sa clé" },
    load: () => import('../commands/profiles-remove.ts'),
  },
  {
    name: "profiles use",
    section: "setup",
    summary: { en: "use a profile from now on", fr: "utiliser un profil désormais" },
    load: () => import('../commands/profiles-use.ts'),
  },
];
