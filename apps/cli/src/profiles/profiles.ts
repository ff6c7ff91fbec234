import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';

/** An API and a key for it, under a name. */
export interface Profile {
  url: string;
  key: string;
}

export interface Profiles {
  /** The name of the one that is used unless another is chosen. */
  current: string | null;
  profiles: Readonly<Record<string, Profile>>;
}

export const PROFILE_NAME: RegExp = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,31}$/;

/**
 * Where profiles are kept: in `KPAY_CONFIG_DIR`, else in the folder that the system has for settings.
 *
 * @returns undefined when there is no such folder: the user has no home.
 */
export function profilesFile(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string | undefined {
  if (env.KPAY_CONFIG_DIR) return join(env.KPAY_CONFIG_DIR, 'profiles.json');
  if (platform === 'win32' && env.APPDATA) return join(env.APPDATA, 'kpay', 'profiles.json');
  if (platform !== 'darwin' && env.XDG_CONFIG_HOME?.startsWith('/')) return join(env.XDG_CONFIG_HOME, 'kpay', 'profiles.json');
  const home = env.HOME || homeOf();
  if (home === undefined) return undefined;
  return join(home, platform === 'darwin' ? 'Library/Application Support' : '.config', 'kpay', 'profiles.json');
}

function homeOf(): string | undefined {
  try {
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}

/** No file is no profile. @throws Failure (4) when others may read the keys, or the file cannot be understood. */
export function readProfiles(env: NodeJS.ProcessEnv): Profiles {
  const file = profilesFile(env);
  const none: Profiles = { current: null, profiles: {} };
  if (file === undefined) return none;
  let text: string;
  try {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new Failure(exitCodes.key, {
        en: `other users may read the keys in ${file}: chmod 600 it, and change the keys if that machine has other users`,
        fr: `d'autres utilisateurs peuvent lire les clés de ${file} : faites chmod 600, et changez les clés si la machine est partagée`,
      });
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return none;
    const why = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Failure(
      exitCodes.key,
      { en: `cannot read ${file} (${why})`, fr: `impossible de lire ${file} (${why})` },
      { cause: error },
    );
  }
  const profiles = parseProfiles(text);
  if (profiles) return profiles;
  throw new Failure(exitCodes.key, {
    en: `${file} is not a file of profiles: remove it, and log in again`,
    fr: `${file} n'est pas un fichier de profils : supprimez-le et reconnectez-vous`,
  });
}

function parseProfiles(text: string): Profiles | undefined {
  try {
    const { current, profiles } = JSON.parse(text) as Partial<Profiles>;
    const whole = Object.values(profiles ?? {}).every(({ url, key }) => typeof url === 'string' && typeof key === 'string');
    if (!profiles || !whole || !(current === null || typeof current === 'string')) return undefined;
    return { current, profiles };
  } catch {
    return undefined;
  }
}

/** @throws Failure (9) naming those that there are. */
export function requireProfile(profiles: Profiles['profiles'], name: string): void {
  if (Object.hasOwn(profiles, name)) return;
  const names = Object.keys(profiles).join(', ');
  const shown = name.slice(0, 32);
  throw new Failure(exitCodes.notFound, {
    en: `there is no profile ${shown}${names && ` (there are ${names})`}`,
    fr: `il n'y a pas de profil ${shown}${names && ` (il y a ${names})`}`,
  });
}

/** Replaces the file as a whole, for its owner only. @throws Failure (1) when it cannot be written. */
export function writeProfiles(env: NodeJS.ProcessEnv, profiles: Profiles): string {
  const file = profilesFile(env);
  if (file === undefined) {
    throw new Failure(exitCodes.failed, {
      en: 'there is no home folder to keep a profile in: set KPAY_CONFIG_DIR, or use KPAY_API_URL and KPAY_TOKEN',
      fr: "il n'y a pas de dossier personnel pour un profil : KPAY_CONFIG_DIR, ou KPAY_API_URL et KPAY_TOKEN",
    });
  }
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const written = `${file}.${process.pid}`;
    writeFileSync(written, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
    chmodSync(written, 0o600);
    renameSync(written, file);
    return file;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Failure(
      exitCodes.failed,
      { en: `cannot write ${file} (${why})`, fr: `impossible d'écrire ${file} (${why})` },
      { cause: error },
    );
  }
}
