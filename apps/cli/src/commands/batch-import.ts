import { defineCommand, yesOption } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';

export const command = defineCommand({
  name: 'batch import',
  section: 'transfers',
  summary: {
    en: 'make a transfer of each line of a CSV or NDJSON file, once',
    fr: "faire un transfert de chaque ligne d'un fichier CSV ou NDJSON, une seule fois",
  },
  description: {
    en: 'The first line of CSV names the fields, which are those of the API: externalId, sourceCountry, destinationCountry, amount, account and more; metadata.team is the label team. Whatever ends an import, run the same command again: a file beside the input remembers what was sent, and each line becomes one transfer. A line without an externalId gets one that follows from the file’s SHA-256 and the number of the line; so a changed file is another import, and is refused once something of the old one was sent.',
    fr: "La première ligne du CSV nomme les champs, qui sont ceux de l'API : externalId, sourceCountry, destinationCountry, amount, account et d'autres ; metadata.team est l'étiquette team. Quoi qui arrête un import, relancez la même commande : un fichier à côté garde ce qui a été envoyé, et chaque ligne devient un seul transfert. Une ligne sans externalId en reçoit un qui vient du SHA-256 du fichier et du numéro de la ligne ; un fichier changé est donc un autre import, refusé dès que quelque chose de l'ancien a été envoyé.",
  },
  arguments: {
    file: { required: true, summary: { en: 'the file, in UTF-8', fr: 'le fichier, en UTF-8' } },
  },
  options: {
    account: {
      type: 'text',
      value: 'name',
      summary: { en: 'the account of lines that name none', fr: "le compte des lignes qui n'en nomment pas" },
    },
    dryRun: {
      type: 'flag',
      summary: {
        en: 'only show what the file would do; asks no API',
        fr: "montrer seulement ce que le fichier ferait ; n'interroge aucune API",
      },
    },
    yes: yesOption,
  },
  examples: [
    'batch import payouts.csv --dry-run',
    'batch import payouts.csv',
    'batch import payouts.ndjson --yes --csv > refused.csv',
  ],
  json: {
    en: '{"refused": [{line, field, reason}], "complete", "dryRun", "file", "sha256", "lines": {good, bad}, "totals": [{corridor, currency, transfers, amount}], "derivedIds": {lines, pattern}, "result": {accepted, acceptedBefore, refused}}; without result in a dry run',
    fr: '{"refused": [{line, field, reason}], "complete", "dryRun", "file", "sha256", "lines": {good, bad}, "totals": [{corridor, currency, transfers, amount}], "derivedIds": {lines, pattern}, "result": {accepted, acceptedBefore, refused}} ; sans result pour un essai',
  },
  csv: true,
  exits: [exitCodes.failed, exitCodes.declined, exitCodes.refused, exitCodes.unknown, exitCodes.partly, exitCodes.changed],
  async run({ arguments: { file }, options: { account, dryRun, yes }, cli }) {
    const { runImport } = await import('../batch/run-import.ts');
    return await runImport(cli, { file, account, dryRun, yes });
  },
});
