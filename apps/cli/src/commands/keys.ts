import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { showTime } from '../output/format.ts';
import { printRows } from '../output/print-rows.ts';

export const command = defineCommand({
  name: 'keys',
  section: 'control',
  summary: { en: 'list the keys of the API; no key is shown', fr: "lister les clés de l'API ; aucune n'est montrée" },
  json: { en: '{"items": [ApiKey], "nextCursor": null}', fr: '{"items": [ApiKey], "nextCursor": null}' },
  csv: true,
  async run({ cli }) {
    const { io, signal } = cli;
    const { api } = await cli.connect();
    const { data } = await api.listApiKeys({ signal });
    await printRows(cli, {
      answer: data,
      rows: data.items,
      columns: [
        { title: { en: 'ID', fr: 'ID' }, value: ({ id }) => id },
        { title: { en: 'NAME', fr: 'NOM' }, value: ({ name }) => name, cut: true },
        { title: { en: 'OWNER', fr: 'PROPRIÉTAIRE' }, value: ({ owner }) => owner, spare: 1 },
        { title: { en: 'SCOPES', fr: 'DROITS' }, value: ({ scopes }) => scopes.join(' '), cut: true, spare: 2 },
        { title: { en: 'LAST USED', fr: 'UTILISÉE' }, value: ({ lastUsedAt }) => showTime(lastUsedAt), spare: 3 },
        {
          title: { en: 'ENDS', fr: 'FINIT' },
          value: ({ revokedAt, expiresAt }) =>
            revokedAt === null
              ? showTime(expiresAt)
              : io.text({ en: `revoked ${showTime(revokedAt)}`, fr: `révoquée ${showTime(revokedAt)}` }),
          spare: 4,
        },
      ],
      fields: ['id', 'name', 'owner', 'scopes', 'accounts', 'createdBy', 'createdAt', 'expiresAt', 'lastUsedAt', 'revokedAt'],
    });
    return exitCodes.done;
  },
});
