import { readFileSync } from 'node:fs';
import { createAdminClient } from '@kpay/admin-client';
import type { Connection } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure, usage } from '../framework/failure.ts';
import type { Io } from '../framework/io.ts';
import { version } from '../framework/version.ts';
import { type Profile, readProfiles } from '../profiles/profiles.ts';
import { createSend } from './send.ts';

export interface ConnectOptions {
  env: NodeJS.ProcessEnv;
  io: Io;
  signal: AbortSignal;
  profile?: string | undefined;
  url?: string | undefined;
  keyFile?: string | undefined;
}

/**
 * The API that the command acts on. `--profile`, then KPAY_PROFILE, then KPAY_API_URL with KPAY_TOKEN, then the current
 * profile; `--url` and `--key-file` take the place of a part. A stored key goes to the address it was stored with only.
 *
 * @throws Failure (4) when the key or the address is missing; (2) when the address is none.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { env, io } = options;
  const chosen = choose(options);
  const key = options.keyFile === undefined ? chosen.key : readKey(options.keyFile);
  if (chosen.profile !== null && options.url !== undefined && options.keyFile === undefined) {
    throw usage({
      en: `the key of profile ${chosen.profile} goes to ${chosen.url} only: with --url give --key-file too`,
      fr: `la clé du profil ${chosen.profile} ne va qu'à ${chosen.url} : avec --url, donnez aussi --key-file`,
    });
  }
  const url = addressOf(options.url ?? chosen.url ?? '');
  if (key === undefined) throw noKey();
  const api = createAdminClient({
    url,
    key,
    send: createSend(env),
    userAgent: `kpay-cli/${version()}`,
    onRetry: ({ afterMs }) =>
      io.progress(
        io.text({
          en: `no answer, trying again in ${(afterMs / 1_000).toFixed(1)} s …`,
          fr: `sans réponse, nouvel essai dans ${(afterMs / 1_000).toFixed(1)} s …`,
        }),
      ),
  });
  return { api, url: url.href, profile: options.url === undefined && options.keyFile === undefined ? chosen.profile : null };
}

function choose({
  env,
  profile = env.KPAY_PROFILE || undefined,
  url,
  keyFile,
}: ConnectOptions): Partial<Profile> & { profile: string | null } {
  if (profile !== undefined) {
    const { profiles } = readProfiles(env);
    const own = Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
    if (own) return { ...own, profile };
    const names = Object.keys(profiles);
    throw new Failure(exitCodes.key, {
      en: `there is no profile ${profile.slice(0, 32)}${names.length === 0 ? '' : ` (there are ${names.join(', ')})`}: kpay login --name <name>`,
      fr: `il n'y a pas de profil ${profile.slice(0, 32)}${names.length === 0 ? '' : ` (il y a ${names.join(', ')})`} : kpay login --name <name>`,
    });
  }
  const token = env.KPAY_TOKEN?.trim() || (env.KPAY_TOKEN_FILE ? readKey(env.KPAY_TOKEN_FILE) : undefined);
  if (token !== undefined || env.KPAY_API_URL) {
    return { profile: null, ...(token !== undefined && { key: token }), ...(env.KPAY_API_URL && { url: env.KPAY_API_URL }) };
  }
  // Given whole on the command line: the file of profiles need not be readable.
  if (url !== undefined && keyFile !== undefined) return { profile: null };
  const { current, profiles } = readProfiles(env);
  const own = current === null ? undefined : profiles[current];
  return own ? { ...own, profile: current } : { profile: null };
}

/** The first line of a file, or of standard input for `-`. @throws Failure (4) */
export function readKey(file: string): string {
  try {
    const [line = ''] = readFileSync(file === '-' ? 0 : file, 'utf8').split('\n');
    if (line.trim() !== '') return line.trim();
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Failure(
      exitCodes.key,
      { en: `cannot read the key from ${file} (${why})`, fr: `impossible de lire la clé dans ${file} (${why})` },
      { cause: error },
    );
  }
  throw new Failure(exitCodes.key, { en: `there is no key in ${file}`, fr: `il n'y a pas de clé dans ${file}` });
}

/** @throws Failure (4) without an address, (2) when it is not one of the web. */
export function addressOf(text: string): URL {
  if (text === '') throw noKey();
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    throw usage({
      en: "the API's address must be like https://ops.example/ and hold no key",
      fr: "l'adresse de l'API doit être comme https://ops.example/ et ne contenir aucune clé",
    });
  }
  url.search = '';
  url.hash = '';
  return url;
}

function noKey(): Failure {
  return new Failure(exitCodes.key, {
    en: 'no API and key are known: run kpay login, or set KPAY_API_URL and KPAY_TOKEN',
    fr: "aucune API ni clé n'est connue : kpay login, ou KPAY_API_URL et KPAY_TOKEN",
  });
}
