import { spawn } from 'node:child_process';
import { findTransfer } from '../api/find-transfer.ts';
import { createSend } from '../api/send.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';

const PAGES: Readonly<Record<string, string>> = { home: '', docs: 'docs/', queues: 'queues/' };

export const command = defineCommand({
  name: 'open',
  section: 'control',
  summary: {
    en: "open the system's page, or that of a transfer, in a browser",
    fr: 'ouvrir la page du système, ou d’un transfert, dans un navigateur',
  },
  description: {
    en: 'Standard output has the address; at a terminal with a browser it is opened too. The address holds no key.',
    fr: "La sortie standard a l'adresse ; sur un terminal avec un navigateur, elle est ouverte. L'adresse ne contient aucune clé.",
  },
  arguments: {
    what: {
      summary: {
        en: 'home, docs, queues, or a transfer by its id or external id',
        fr: 'home, docs, queues, ou un transfert par son id ou id externe',
      },
    },
  },
  examples: ['open', 'open payout-42'],
  exits: [exitCodes.notFound],
  async run({ arguments: { what = 'home' }, cli }) {
    const { io, env, signal } = cli;
    const { api, url } = await cli.connect();
    const page = PAGES[what] ?? `transfers/${(await findTransfer(api, what, signal)).id}`;
    const address = new URL(page, url.endsWith('/') ? url : `${url}/`);
    const { status } = await createSend(env)({ method: 'GET', url: address, headers: {}, signal });
    if (status === 404) {
      throw new Failure(exitCodes.notFound, {
        en: `this system has no page at ${address.href}`,
        fr: `ce système n'a pas de page à ${address.href}`,
      });
    }
    await io.write(`${address.href}\n`);
    if (io.canAsk && io.width !== undefined) openBrowser(address.href);
    return exitCodes.done;
  },
});

/** A machine without a browser is no error: the address was told. */
function openBrowser(address: string): void {
  const [program, ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as 'darwin' | 'win32'] ?? [
    'xdg-open',
  ];
  const child = spawn(program ?? 'xdg-open', [...args, address], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
