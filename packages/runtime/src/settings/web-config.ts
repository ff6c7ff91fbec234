import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext, type SecureVersion, type TlsOptions } from 'node:tls';
import { compare } from 'bcryptjs';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { reasonOf } from '../start-error.ts';
import { readSettingFile } from './setting-file.ts';
import { SettingsError } from './setting-values.ts';

/** How the servers of a process are reached, and who may see its metrics. */
export interface WebConfig {
  /** For an https server; http when there is none. */
  tls?: TlsOptions;
  /** Further host names under which the open pages are served, besides localhost and IP addresses. */
  allowedHosts?: readonly string[];
  /** Whether a request with this Authorization header may see the metrics. `address` is the client's. */
  admits(authorization: string | undefined, address?: string): Promise<boolean>;
  /** The WWW-Authenticate header for refused requests. */
  challenge: string;
}

const BCRYPT_HASH = /^\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53}$/;
// A hash of no password, without its cost, which is put before it.
const NOBODY = 'TEbvjs2U0/Olf3eAmBFJhubzs1t9CdGTEtuLJt3n0US9AodDGVKN.';
// A comparison takes a tenth of a second of a process that moves money. After a refused one, the address has to rest.
const REST_AFTER_REFUSAL_MS = 250;
const MAX_WAITING_BY_ADDRESS = 8;
const MAX_ADDRESSES = 50;
const REMEMBERED_WRONG = 1_000;
const REMEMBERED = 100;

const clientAuth = {
  NoClientCert: { requestCert: false, rejectUnauthorized: false },
  RequireAndVerifyClientCert: { requestCert: true, rejectUnauthorized: true },
} as const;
const versions: Readonly<Record<string, SecureVersion>> = { TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' };

const text = z.string({ error: 'must be text' }).min(1, 'must not be empty');
const NOT_NAMES = 'must be names with values, such as basic_auth_users';
const schema = z.strictObject(
  {
    tls_server_config: z
      .strictObject({
        cert_file: text,
        key_file: text,
        client_ca_file: text.optional(),
        client_auth_type: z
          .enum(['NoClientCert', 'RequireAndVerifyClientCert'], { error: 'must be NoClientCert or RequireAndVerifyClientCert' })
          .optional(),
        min_version: z.enum(['TLS12', 'TLS13'], { error: 'must be TLS12 or TLS13' }).optional(),
      })
      .optional(),
    basic_auth_users: z
      .record(z.string(), z.string({ error: 'must be a bcrypt hash' }).regex(BCRYPT_HASH, 'must be a bcrypt hash'), {
        error: 'must be users with their bcrypt hashes',
      })
      .optional(),
    // Our own additions: Prometheus' exporters have no bearer token and no host names.
    allowed_hosts: z.array(text, { error: 'must be a list of host names' }).max(100, 'must be at most 100 names').optional(),
    bearer_token_file: text.optional(),
  },
  { error: NOT_NAMES },
);

/**
 * Reads the file that KPAY_WEB_CONFIG_FILE names, in the format of Prometheus' exporters (tls_server_config,
 * basic_auth_users) plus `bearer_token_file`. Paths in it are relative to the file.
 *
 * @throws SettingsError naming the place in the file.
 */
export function readWebConfig(path: string): WebConfig {
  const wrong = (what: string) => new SettingsError(`KPAY_WEB_CONFIG_FILE ${path}: ${what}`);
  const read = (name: string, place: string) => readSettingFile(resolve(dirname(path), name), (what) => wrong(`${place}${what}`));
  const parsed = schema.safeParse(parseYaml(read(resolve(path), ''), wrong) ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') ?? '';
    const what = issue?.code === 'unrecognized_keys' ? `has what is not supported: ${issue.keys.join(', ')}` : issue?.message;
    throw wrong(place === '' ? (what ?? 'is wrong') : `${place} ${what}`);
  }
  const {
    tls_server_config: tls,
    basic_auth_users: users = {},
    bearer_token_file: tokenFile,
    allowed_hosts: allowedHosts,
  } = parsed.data;
  const token = tokenFile === undefined ? undefined : read(tokenFile, 'bearer_token_file ').trim();
  if (token === '') throw wrong('bearer_token_file names an empty file');
  const schemes = [
    ...(Object.keys(users).length > 0 ? ['Basic realm="metrics"'] : []),
    ...(token === undefined ? [] : ['Bearer']),
  ];
  const admitsUser = createPasswordCheck(new Map(Object.entries(users)));
  return {
    ...(tls && { tls: tlsOptions(tls, (name, key) => read(name, `tls_server_config.${key} `), wrong) }),
    ...(allowedHosts && { allowedHosts }),
    challenge: schemes.join(', '),
    async admits(authorization = '', address = '') {
      if (schemes.length === 0) return true;
      const [scheme = '', credentials = ''] = authorization.split(' ', 2);
      if (scheme.toLowerCase() === 'bearer' && token !== undefined) return isSame(credentials, token);
      if (scheme.toLowerCase() !== 'basic' || Object.keys(users).length === 0) return false;
      const [user = '', ...password] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
      return admitsUser(user, password.join(':'), address);
    },
  };
}

function parseYaml(content: string, wrong: (what: string) => SettingsError): unknown {
  try {
    return parse(content);
  } catch (error) {
    // The parser quotes the line, which may hold a hash. So only the place is shown.
    const place = error instanceof YAMLParseError && error.linePos ? `line ${error.linePos[0].line}` : 'check its indentation';
    throw wrong(`is not YAML (${place})`);
  }
}

function tlsOptions(
  config: NonNullable<z.infer<typeof schema>['tls_server_config']>,
  read: (name: string, key: string) => string,
  wrong: (what: string) => SettingsError,
): TlsOptions {
  const { client_ca_file: caFile, client_auth_type: authType = 'NoClientCert', min_version: least = 'TLS12' } = config;
  if (authType === 'RequireAndVerifyClientCert' && caFile === undefined) {
    throw wrong('tls_server_config.client_ca_file must name who signs the certificates of clients');
  }
  const options: TlsOptions = {
    cert: read(config.cert_file, 'cert_file'),
    key: read(config.key_file, 'key_file'),
    ...(caFile !== undefined && { ca: read(caFile, 'client_ca_file') }),
    ...clientAuth[authType],
    ...(versions[least] && { minVersion: versions[least] }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw wrong(`tls_server_config cannot be used (${reasonOf(error)})`);
  }
  return options;
}

/**
 * Checks passwords. bcrypt is slow by design and a scrape comes every few seconds, so a right password is remembered as
 * a digest that is useless outside this process. Unknown passwords are compared one at a time, in a queue for each
 * address. The queues take turns, and an address that guessed wrong rests, so that a guesser never keeps another
 * address's right password waiting.
 */
function createPasswordCheck(
  users: ReadonlyMap<string, string>,
): (user: string, password: string, address: string) => Promise<boolean> {
  const key = randomBytes(32);
  const costs = new Set([...users.values()].map(costOf));
  const right = new Set<string>();
  const wrong = new Set<string>();
  const queues = new Map<string, { turn: Promise<unknown>; waiting: number }>();
  let comparing: Promise<unknown> = Promise.resolve();
  const check = async (user: string, password: string) => {
    const hash = users.get(user);
    if (hash !== undefined && (await compare(password, hash))) return true;
    // Guessing names takes as long as guessing passwords: each cost in use is paid once, whatever the name.
    for (const cost of costs) {
      if (hash === undefined || cost !== costOf(hash)) await compare(password, `$2b$${cost}$${NOBODY}`);
    }
    return false;
  };
  return async (user, password, address) => {
    const known = createHmac('sha256', key)
      .update(JSON.stringify([user, users.get(user), password]))
      .digest('hex');
    if (right.has(known)) return true;
    if (wrong.has(known)) return false;
    const queue = queues.get(address) ?? { turn: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= MAX_WAITING_BY_ADDRESS || (queue.waiting === 0 && queues.size >= MAX_ADDRESSES)) return false;
    queues.set(address, queue);
    queue.waiting += 1;
    const compared = queue.turn.then(() => {
      const mine = comparing.then(() => check(user, password));
      comparing = mine;
      return mine;
    });
    queue.turn = compared.then((same) => (same ? undefined : delay(REST_AFTER_REFUSAL_MS, undefined, { ref: false })));
    void queue.turn.then(() => {
      queue.waiting -= 1;
      if (queue.waiting === 0) queues.delete(address);
    });
    const admitted = await compared;
    if (admitted && right.size < REMEMBERED) right.add(known);
    if (!admitted) remember(wrong, known);
    return admitted;
  };
}

/** Remembers wrong passwords. A scraper with an old password comes again and again, and costs only one comparison. */
function remember(wrong: Set<string>, known: string): void {
  wrong.add(known);
  const [oldest] = wrong;
  if (wrong.size > REMEMBERED_WRONG && oldest !== undefined) wrong.delete(oldest);
}

function costOf(hash: string): string {
  return hash.slice(4, 6);
}

function isSame(given: string, expected: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
