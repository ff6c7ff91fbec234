import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { printTable } from '../output/table.ts';
import { readProfiles } from '../profiles/profiles.ts';

export const command = defineCommand({
  name: 'profiles',
  section: 'setup',
  summary: { en: 'list the profiles; no key is shown', fr: "lister les profils ; aucune clé n'est montrée" },
  json: { en: '{"items": [{name, url, current}]}', fr: '{"items": [{name, url, current}]}' },
  async run({ cli: { env, io, format } }) {
    const { current, profiles } = readProfiles(env);
    const items = Object.entries(profiles).map(([name, { url }]) => ({ name, url, current: name === current }));
    if (format === 'json') await io.write(`${JSON.stringify({ items }, null, 2)}\n`);
    else if (items.length === 0)
      io.tell(io.text({ en: 'There are none: kpay login makes one.', fr: "Il n'y en a pas : kpay login en crée un." }));
    else {
      await printTable(
        io,
        [
          { title: { en: 'NAME', fr: 'NOM' }, value: ({ name }) => name },
          { title: { en: 'USED', fr: 'UTILISÉ' }, value: (item) => (item.current ? io.text({ en: 'yes', fr: 'oui' }) : '') },
          { title: { en: 'ADDRESS', fr: 'ADRESSE' }, value: ({ url }) => url, cut: true },
        ],
        items,
      );
    }
    return exitCodes.done;
  },
});
