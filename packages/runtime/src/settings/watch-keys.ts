import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logging/logger.ts';
import { reasonOf } from '../start-error.ts';
import { type AccountSettings, readSettings } from './read-settings.ts';

// Container platforms replace mounted secrets by changing a link, which no file watcher sees reliably. So the files are
// polled.
const POLL_EVERY_MS = 5_000;
// KPay may not know new keys yet when it refuses them. Each retry costs one request to KPay.
const TRY_AGAIN_MS = 60_000;

export interface KeyWatchOptions {
  /** The environment that names the files, as `readSettings` reads it. */
  env: NodeJS.ProcessEnv;
  /** The accounts as they are in use. */
  accounts: readonly AccountSettings[];
  /** New keys are added here before anything can log them. */
  secrets: Set<string>;
  logger: Logger;
  /** Switches to an account's new keys, or throws to keep the old ones. */
  take(account: AccountSettings): Promise<void>;
  everyMs?: number;
  tryAgainMs?: number;
}

interface Watched {
  inUse: AccountSettings;
  /** Keys that were refused, and when to try them again. */
  refused?: { account: AccountSettings; againAtMs: number };
  logged?: string;
}

/**
 * Polls the files that hold keys (KPAY_API_KEY_FILE, KPAY_SECRET_KEY_FILE, KPAY_ACCOUNTS_FILE and the files that it
 * names) and offers changed keys. Only keys are taken over. Any other change in the files needs a restart, which is
 * logged once. When an account's address or environment has changed too, its keys are meant for the new one and are not
 * offered.
 *
 * @returns a function that stops it and waits for a `take` under way.
 */
export function watchKeys(options: KeyWatchOptions): () => Promise<void> {
  const { env, accounts, logger, everyMs = POLL_EVERY_MS } = options;
  const { KPAY_API_KEY_FILE, KPAY_SECRET_KEY_FILE, KPAY_ACCOUNTS_FILE } = env;
  if (!(KPAY_API_KEY_FILE || KPAY_SECRET_KEY_FILE || KPAY_ACCOUNTS_FILE)) return async () => {};
  const watched = new Map(accounts.map((account): [string, Watched] => [account.name, { inUse: account }]));
  const stopping = new AbortController();
  let unreadable: string | undefined;
  let loggedChanged = '';

  async function poll(): Promise<void> {
    const listed = readAccounts();
    if (!listed) return;
    logChanged(listed);
    for (const account of listed) {
      const known = watched.get(account.name);
      if (known && !stopping.signal.aborted) await compare(options, known, account);
    }
  }

  function logChanged(listed: readonly AccountSettings[]): void {
    const names = new Set(listed.map(({ name }) => name));
    const changed = {
      added: [...names].filter((name) => !watched.has(name)),
      removed: [...watched.keys()].filter((name) => !names.has(name)),
      moved: listed.filter((account) => isElsewhere(watched.get(account.name)?.inUse, account)).map(({ name }) => name),
    };
    const text = Object.values(changed).some((each) => each.length > 0) ? JSON.stringify(changed) : '';
    if (text !== '' && text !== loggedChanged) {
      logger.warn(changed, 'accounts were added, removed or given another address in the files: restart to take that over');
    }
    loggedChanged = text;
  }

  function readAccounts(): readonly AccountSettings[] | undefined {
    try {
      const read = readSettings(env).accounts;
      unreadable = undefined;
      return read;
    } catch (error) {
      // The file may be in the middle of a write. The present keys stay in use until there are others.
      const reason = reasonOf(error);
      if (reason !== unreadable) logger.warn({ reason }, 'the files with keys cannot be read: the keys in use stay');
      unreadable = reason;
      return undefined;
    }
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (!stopping.signal.aborted) await poll();
    }
  })();
  return () => {
    stopping.abort();
    return running;
  };
}

async function compare(
  { take, secrets, logger, tryAgainMs = TRY_AGAIN_MS }: KeyWatchOptions,
  known: Watched,
  account: AccountSettings,
) {
  // The present address would receive a key that belongs to another one.
  if (isElsewhere(known.inUse, account)) {
    for (const secret of [account.apiKey, account.secretKey]) secrets.add(secret);
    return;
  }
  if (sameKeys(known.inUse, account)) {
    delete known.refused;
    delete known.logged;
    return;
  }
  const { refused } = known;
  if (refused && sameKeys(refused.account, account) && performance.now() < refused.againAtMs) return;
  for (const secret of [account.apiKey, account.secretKey]) secrets.add(secret);
  try {
    await take(account);
    known.inUse = account;
    delete known.refused;
    delete known.logged;
    logger.info({ account: account.name }, 'new keys are in use');
  } catch (error) {
    known.refused = { account, againAtMs: performance.now() + tryAgainMs };
    const reason = reasonOf(error);
    if (known.logged !== reason)
      logger.error({ account: account.name, alarm: 'keys', reason }, 'new keys are refused: the old ones stay in use');
    known.logged = reason;
  }
}

function isElsewhere(inUse: AccountSettings | undefined, { baseUrl, environment }: AccountSettings): boolean {
  return inUse !== undefined && (inUse.baseUrl !== baseUrl || inUse.environment !== environment);
}

function sameKeys(a: AccountSettings, b: AccountSettings): boolean {
  return a.apiKey === b.apiKey && a.secretKey === b.secretKey;
}
