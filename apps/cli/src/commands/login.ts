import { createAdminClient, ProblemError } from '@kpay/admin-client';
import { addressOf, readKey } from '../api/connect.ts';
import { failureOf } from '../api/failure-of.ts';
import { createSend } from '../api/send.ts';
import type { Cli } from '../framework/command.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure, usage } from '../framework/failure.ts';
import { ask } from '../output/ask.ts';
import { PROFILE_NAME, readProfiles, writeProfiles } from '../profiles/profiles.ts';

const USUAL_URL = 'http://127.0.0.1:8080/';
const USUAL_NAME = 'default';

export const command = defineCommand({
  name: 'login',
  section: 'setup',
  summary: {
    en: 'keep the address and the key of an API as a profile',
    fr: "garder l'adresse et la clé d'une API dans un profil",
  },
  description: {
    en: 'At a terminal it asks for what is not given. The key is tried before it is kept, in a file that only you can read.',
    fr: 'Sur un terminal, ce qui manque est demandé. La clé est essayée avant d’être gardée, dans un fichier que vous seul lisez.',
  },
  options: {
    name: { type: 'text', value: 'name', usual: USUAL_NAME, summary: { en: 'the name of the profile', fr: 'le nom du profil' } },
    url: { type: 'text', value: 'url', summary: { en: "the API's address", fr: "l'adresse de l'API" } },
    keyFile: {
      type: 'text',
      value: 'file',
      summary: {
        en: 'read the key from this file; - is standard input',
        fr: "lire la clé dans ce fichier ; - est l'entrée standard",
      },
    },
  },
  examples: ['login', 'login --name prod --url https://ops.example/ --key-file - < key.txt'],
  async run({ options: { name = USUAL_NAME, url, keyFile }, cli }) {
    const { env, io } = cli;
    if (!PROFILE_NAME.test(name)) {
      throw usage({
        en: '--name must be 1 to 32 letters, digits, ".", "_" or "-"',
        fr: '--name doit avoir 1 à 32 lettres, chiffres, ".", "_" ou "-"',
      });
    }
    if ((url === undefined || keyFile === undefined) && !io.canAsk) {
      throw usage({
        en: 'without a terminal give --url and --key-file (- is standard input)',
        fr: "sans terminal, donnez --url et --key-file (- est l'entrée standard)",
      });
    }
    // Before anything is asked: a file of others' is no place for one more key.
    const { profiles } = readProfiles(env);
    const address = addressOf(url ?? (await askAddress(cli)));
    if (address.protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(address.hostname)) {
      io.tell(
        io.text({
          en: 'Warning: over http the key can be read on the way.',
          fr: 'Attention : en http, la clé peut être lue en chemin.',
        }),
      );
    }
    const key = keyFile === undefined ? await askKey(cli) : readKey(keyFile);
    const said = await tryKey(cli, address, key);
    const file = writeProfiles(env, { current: name, profiles: { ...profiles, [name]: { url: address.href, key } } });
    io.tell(
      io.text({
        en: `Profile ${name} is kept in ${file} and used from now on${said}.`,
        fr: `Le profil ${name} est gardé dans ${file} et utilisé désormais${said}.`,
      }),
    );
    return exitCodes.done;
  },
});

async function askAddress({ io, signal }: Cli): Promise<string> {
  const question = io.text({ en: `Address of the API [${USUAL_URL}]: `, fr: `Adresse de l'API [${USUAL_URL}] : ` });
  return (await ask(question, { signal })).trim() || USUAL_URL;
}

async function askKey({ io, signal }: Cli): Promise<string> {
  const key = (await ask(io.text({ en: 'Key (not shown): ', fr: 'Clé (non montrée) : ' }), { signal, secret: true })).trim();
  if (key !== '') return key;
  throw new Failure(exitCodes.declined, { en: 'no key was given', fr: "aucune clé n'a été donnée" });
}

/** What the key reaches, as text for people; it may be good and have no right to read. @throws Failure (4, 10) */
async function tryKey({ env, io, signal }: Cli, url: URL, key: string): Promise<string> {
  const api = createAdminClient({ url, key, send: createSend(env) });
  try {
    const { items } = (await api.listAccounts({ signal })).data;
    return items.length === 0 ? '' : `: ${items.map(({ name, environment }) => `${name} (${environment})`).join(', ')}`;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'forbidden') {
      return io.text({ en: ' (the key may not read)', fr: ' (la clé ne peut pas lire)' });
    }
    throw failureOf(error);
  }
}
