import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accountsFileSchema } from './accounts-file.ts';
import { readSettings, secretsOf } from './read-settings.ts';
import { SettingsError } from './setting-values.ts';

const ACCOUNTS = resolve(import.meta.dirname, '../../test/accounts');
const KEYS = { KPAY_API_KEY: 'kpay_test_hush', KPAY_SECRET_KEY: 'hush-hush' };
const LIVE = { KPAY_API_KEY: 'kpay_live_hush', KPAY_SECRET_KEY: 'hush-hush' };
const STORES = { DATABASE_URL: 'postgres://kpay:hush@db/kpay', REDIS_URL: 'redis://:hush@redis:6379' };

let folder: TemporaryFolder;

beforeAll(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder.path, 'key'), 'kpay_test_from_file\n');
  writeFileSync(join(folder.path, 'empty'), ' \n');
});

afterAll(() => folder.remove());

function refusal(env: NodeJS.ProcessEnv): string {
  try {
    readSettings(env);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  throw new Error('the settings were accepted');
}

it('refuses a guessable admin token where others can reach it, not at home', () => {
  const short = 'a'.repeat(31);
  const says = 'KPAY_ADMIN_TOKEN is too short: set one of 32 characters or more (openssl rand -hex 32)';
  const keys = { KPAY_API_KEY: 'key', KPAY_SECRET_KEY: 'secret' };
  const live = { ...keys, KPAY_ENVIRONMENT: 'PRODUCTION', KPAY_ALLOW_EMBEDDED_LIVE: '1' };
  for (const env of [STORES, { ...STORES, ...keys }, live]) {
    expect(refusal({ ...env, KPAY_ADMIN_TOKEN: short })).toBe(says);
    expect(readSettings({ ...env, KPAY_ADMIN_TOKEN: `${short}a` }).adminToken).toBe(`${short}a`);
  }
  expect(readSettings({ KPAY_ADMIN_TOKEN: 'x' }).adminToken).toBe('x');
});

it('nothing set runs embedded, with the simulator for KPay', () => {
  expect(readSettings({})).toEqual({
    mode: 'embedded',
    accounts: [],
    rules: {},
    rateLimitPerMinute: 100,
    dataDir: resolve('.kpay'),
    apiRequestsPerMinute: 20_000,
    observeEveryMs: { balance: 30_000, availability: 60_000, rate: 600_000 },
    budgetWindowMs: 60_000,
    conflictConfirmMs: 60_000,
    plugins: [],
    proxies: [],
    ipv4Only: false,
    workerConcurrency: 10,
    httpKeepAliveMs: 65_000,
    simulatorTimeScale: 1,
    host: '127.0.0.1',
    ports: { adminApi: 8080, exporter: 9464, worker: 9465, simulator: 8090 },
  });
});

const RULES = {
  checkDestinationPayouts: true,
  sendWindow: { timeZone: 'Africa/Douala', days: ['mon', 'fri'], from: '22:00', to: '06:00' },
  spendLimits: [
    { currency: 'XAF', amount: '5000000', hours: 24 },
    { currency: 'KES', amount: '1500.50', hours: 1, corridor: 'KEN-CMR' },
  ],
};

it('everything set is read, blanks around it left out', () => {
  const settings = readSettings({
    ...STORES,
    KPAY_API_KEY: ' kpay_live_key ',
    KPAY_SECRET_KEY: 'secret\n',
    KPAY_BASE_URL: 'https://kpay.example/',
    KPAY_ENVIRONMENT: 'PRODUCTION',
    KPAY_RATE_LIMIT_PER_MINUTE: '50',
    KPAY_RATE_PAIRS: 'XAF:XOF, XOF:XAF,',
    KPAY_CHECK_DESTINATION_PAYOUTS: '1',
    KPAY_SEND_WINDOW: 'Africa/Douala mon,fri 22:00-06:00',
    KPAY_SPEND_LIMITS: 'XAF:5000000:24, KES:1500.50:1:KEN-CMR',
    KPAY_DATA_DIR: '/data',
    KPAY_ADMIN_TOKEN: 'token-of-thirty-two-characters-or-so',
    KPAY_OIDC_ISSUER: 'https://id.example/',
    KPAY_OIDC_AUDIENCE: 'kpay-ops',
    KPAY_OIDC_JWKS_URL: 'https://id.example/keys',
    KPAY_OIDC_SCOPES_CLAIM: 'roles',
    KPAY_OIDC_ACCOUNTS_CLAIM: 'accounts',
    KPAY_OIDC_KEY_DAYS: '30',
    KPAY_OIDC_SCOPES: 'pay=transfers:create, pay=read,https://id.example/ops=control,',
    KPAY_API_REQUESTS_PER_MINUTE: '600',
    KPAY_HTTP_KEEP_ALIVE_SECONDS: '120',
    KPAY_OBSERVE_BALANCE_SECONDS: '5',
    KPAY_OBSERVE_AVAILABILITY_SECONDS: '6',
    KPAY_OBSERVE_RATE_SECONDS: '7',
    KPAY_BUDGET_WINDOW_SECONDS: '1.0005',
    KPAY_CONFLICT_CONFIRM_SECONDS: '2.5',
    KPAY_PLUGINS: './night-only.ts, @acme/kpay-audit,',
    KPAY_CORS_ORIGINS: 'https://desk.example, http://localhost:5173',
    KPAY_WORKER_CONCURRENCY: '3',
    KPAY_WORKER_ACCOUNTS: 'default',
    SIMULATOR_TIME_SCALE: '10',
    KPAY_IPV4_ONLY: '1',
    HOST: '0.0.0.0',
    ADMIN_API_PORT: '1',
    EXPORTER_PORT: '2',
    WORKER_PORT: '0',
    SIMULATOR_PORT: '65535',
  });
  expect(settings).toEqual({
    mode: 'production',
    databaseUrl: STORES.DATABASE_URL,
    redisUrl: STORES.REDIS_URL,
    accounts: [
      {
        name: 'default',
        apiKey: 'kpay_live_key',
        secretKey: 'secret',
        baseUrl: 'https://kpay.example',
        environment: 'PRODUCTION',
        rateLimitPerMinute: 50,
        ratePairs: ['XAF:XOF', 'XOF:XAF'],
        ...RULES,
      },
    ],
    rules: RULES,
    rateLimitPerMinute: 50,
    dataDir: '/data',
    adminToken: 'token-of-thirty-two-characters-or-so',
    oidc: {
      issuer: 'https://id.example/',
      audience: 'kpay-ops',
      jwksUrl: 'https://id.example/keys',
      scopesClaim: 'roles',
      accountsClaim: 'accounts',
      keyDays: 30,
      scopes: [
        { claimed: 'pay', scope: 'transfers:create' },
        { claimed: 'pay', scope: 'read' },
        { claimed: 'https://id.example/ops', scope: 'control' },
      ],
    },
    apiRequestsPerMinute: 600,
    observeEveryMs: { balance: 5_000, availability: 6_000, rate: 7_000 },
    ratePairs: ['XAF:XOF', 'XOF:XAF'],
    budgetWindowMs: 1_001,
    conflictConfirmMs: 2_500,
    plugins: ['./night-only.ts', '@acme/kpay-audit'],
    workerConcurrency: 3,
    workerAccounts: ['default'],
    corsOrigins: ['https://desk.example', 'http://localhost:5173'],
    httpKeepAliveMs: 120_000,
    simulatorTimeScale: 10,
    proxies: [],
    ipv4Only: true,
    host: '0.0.0.0',
    ports: { adminApi: 1, exporter: 2, worker: 0, simulator: 65535 },
  });
  expect(secretsOf(settings)).toEqual([
    'kpay_live_key',
    'secret',
    'hush',
    'hush',
    'hush',
    'hush',
    'token-of-thirty-two-characters-or-so',
  ]);
});

it('a blank value counts as missing', () => {
  expect(readSettings({ DATABASE_URL: '', REDIS_URL: '  ', KPAY_API_KEY: '' })).toMatchObject({ mode: 'embedded', accounts: [] });
});

it('a secret may come from a file', () => {
  const settings = readSettings({ KPAY_API_KEY_FILE: join(folder.path, 'key'), KPAY_SECRET_KEY: 's' });
  expect(settings.accounts).toMatchObject([{ name: 'default', apiKey: 'kpay_test_from_file' }]);
});

it("accounts of a file stand beside the environment's, which fills in what they omit", () => {
  const file = join(ACCOUNTS, 'good/two.json');
  const { accounts } = readSettings({
    ...KEYS,
    KPAY_ACCOUNTS_FILE: file,
    KPAY_BASE_URL: 'http://localhost:8090',
    KPAY_RATE_LIMIT_PER_MINUTE: '80',
    KPAY_RATE_PAIRS: 'XOF:CDF',
  });
  const filledIn = { baseUrl: 'http://localhost:8090', environment: 'TEST', rateLimitPerMinute: 80 };
  expect(accounts).toEqual([
    { name: 'default', apiKey: 'kpay_test_hush', secretKey: 'hush-hush', ...filledIn, ratePairs: ['XOF:CDF'] },
    { name: 'retail', apiKey: 'kpay_test_retail', secretKey: 'retail-secret', ...filledIn, ratePairs: ['XAF:XOF'] },
    {
      name: 'wholesale-2',
      apiKey: 'kpay_test_wholesale',
      secretKey: 'wholesale-secret',
      baseUrl: 'https://sandbox.example/kpay',
      environment: 'TEST',
      rateLimitPerMinute: 60,
      ratePairs: ['XOF:CDF'],
    },
  ]);
});

describe('a wrong setting is refused in one line that says what would be right', () => {
  const cases: [NodeJS.ProcessEnv, string][] = [
    [
      { DATABASE_URL: STORES.DATABASE_URL },
      'DATABASE_URL is set but REDIS_URL is not: set both for production, or neither to run embedded',
    ],
    [
      { REDIS_URL: STORES.REDIS_URL },
      'REDIS_URL is set but DATABASE_URL is not: set both for production, or neither to run embedded',
    ],
    [{ ...STORES, DATABASE_URL: 'mysql://kpay:hush@db' }, 'DATABASE_URL must begin with postgres://'],
    [{ ...STORES, REDIS_URL: 'hush@redis' }, 'REDIS_URL must begin with redis:// or rediss://'],
    [{ KPAY_API_KEY: 'kpay_test_hush' }, 'KPAY_API_KEY is set but KPAY_SECRET_KEY is not: KPay needs both'],
    [{ KPAY_SECRET_KEY: 'hush' }, 'KPAY_SECRET_KEY is set but KPAY_API_KEY is not: KPay needs both'],
    [LIVE, 'account default has a live key: set KPAY_ENVIRONMENT=PRODUCTION if real money is meant to move'],
    [
      { ...LIVE, KPAY_ENVIRONMENT: 'PRODUCTION' },
      'account default is PRODUCTION without DATABASE_URL and REDIS_URL: set them, or KPAY_ALLOW_EMBEDDED_LIVE=1 to keep real money in one folder',
    ],
    [
      { ...LIVE, ...STORES, KPAY_ENVIRONMENT: 'PRODUCTION', KPAY_BASE_URL: 'http://kpay.example' },
      'account default is PRODUCTION and its base URL is not https: set KPAY_BASE_URL to https://…',
    ],
    [
      { ...KEYS, ...STORES, KPAY_ENVIRONMENT: 'PRODUCTION' },
      'account default has a test key: set KPAY_ENVIRONMENT=TEST, or use its live key',
    ],
    [
      { KPAY_ENVIRONMENT: 'PRODUCTION' },
      'KPAY_ENVIRONMENT is PRODUCTION but no key is set: set KPAY_API_KEY and KPAY_SECRET_KEY, or KPAY_ACCOUNTS_FILE',
    ],
    [{ KPAY_ENVIRONMENT: 'LIVE' }, 'KPAY_ENVIRONMENT must be TEST or PRODUCTION'],
    [{ KPAY_ALLOW_EMBEDDED_LIVE: 'yes' }, 'KPAY_ALLOW_EMBEDDED_LIVE must be 1, or left out'],
    [{ KPAY_BASE_URL: 'admin.kpay.site' }, 'KPAY_BASE_URL must be an address such as https://admin.kpay.site'],
    [
      { KPAY_BASE_URL: 'https://me:hush@kpay.site' },
      'KPAY_BASE_URL must be an address such as https://admin.kpay.site, without user, query or fragment',
    ],
    [
      { KPAY_OIDC_ISSUER: 'https://id.example' },
      'KPAY_OIDC_ISSUER is set but KPAY_OIDC_AUDIENCE is not: without it a token for any other service would open this API',
    ],
    [{ KPAY_OIDC_KEY_DAYS: '30' }, 'KPAY_OIDC_KEY_DAYS is set but KPAY_OIDC_ISSUER is not: set it, or leave both out'],
    [{ KPAY_OIDC_JWKS_URL: 'x' }, 'KPAY_OIDC_JWKS_URL must be an address such as https://id.example.org/keys'],
    [{ KPAY_OIDC_KEY_DAYS: '0' }, 'KPAY_OIDC_KEY_DAYS must be a number of days from 1 to 9999'],
    [{ KPAY_OIDC_AUDIENCE: 'x' }, 'KPAY_OIDC_AUDIENCE is set but KPAY_OIDC_ISSUER is not: set it, or leave both out'],
    [
      { KPAY_OIDC_ISSUER: 'http://id.example', KPAY_OIDC_AUDIENCE: 'x' },
      'KPAY_OIDC_ISSUER is not https: somebody on the network could forge tokens',
    ],
    [
      { KPAY_OIDC_ISSUER: 'https://id.example', KPAY_OIDC_AUDIENCE: 'x', KPAY_OIDC_SCOPES: 'read' },
      'KPAY_OIDC_SCOPES must be like treasury.pay=transfers:create,treasury.read=read',
    ],
    ...['*', 'https://desk.example/', 'desk.example', 'null', 'https://Desk.example'].map(
      (origin): [Record<string, string>, string] => [
        { KPAY_CORS_ORIGINS: `https://ops.example,${origin}` },
        'KPAY_CORS_ORIGINS must be origins such as https://desk.example, in small letters and with no path, * or slash at the end',
      ],
    ),
    [{ KPAY_RATE_PAIRS: 'XAF:XOF,XAF/XOF' }, 'KPAY_RATE_PAIRS must be two currencies such as XAF:XOF, not XAF/XOF'],
    [{ KPAY_RATE_PAIRS: 'XAF:XAF' }, 'KPAY_RATE_PAIRS must be two different currencies such as XAF:XOF, not XAF:XAF'],
    [{ KPAY_RATE_LIMIT_PER_MINUTE: '0' }, 'KPAY_RATE_LIMIT_PER_MINUTE must be a whole number from 1 to 100000'],
    [{ KPAY_RATE_LIMIT_PER_MINUTE: 'many' }, 'KPAY_RATE_LIMIT_PER_MINUTE must be a whole number from 1 to 100000'],
    [{ KPAY_CHECK_DESTINATION_PAYOUTS: 'true' }, 'KPAY_CHECK_DESTINATION_PAYOUTS must be 1, or left out'],
    [{ KPAY_SEND_WINDOW: '08:00-18:00' }, 'KPAY_SEND_WINDOW must be like Africa/Douala mon,tue,wed,thu,fri 08:00-18:00'],
    [{ KPAY_SEND_WINDOW: 'Mars/Base mon 08:00-18:00' }, 'KPAY_SEND_WINDOW timeZone must be a time zone such as Africa/Douala'],
    [
      { KPAY_SEND_WINDOW: 'Africa/Douala mon,friday 08:00-18:00' },
      'KPAY_SEND_WINDOW days[1] must be one of mon, tue, wed, thu, fri, sat, sun',
    ],
    [{ KPAY_SEND_WINDOW: 'Africa/Douala mon 8-18:00' }, 'KPAY_SEND_WINDOW from must be a time such as 08:00'],
    [
      { KPAY_SEND_WINDOW: 'Africa/Douala mon 08:00-08:00' },
      'KPAY_SEND_WINDOW to must not be the same as from (all day is 00:00 to 24:00)',
    ],
    [{ KPAY_SPEND_LIMITS: 'XAF:5000000' }, 'KPAY_SPEND_LIMITS [0].hours must be a whole number of hours from 1 to 8760'],
    [{ KPAY_SPEND_LIMITS: 'XAF:-5:24' }, 'KPAY_SPEND_LIMITS [0].amount must be an amount such as 5000000'],
    [{ KPAY_SPEND_LIMITS: 'XAF:5:24:CMR' }, 'KPAY_SPEND_LIMITS [0].corridor must be two countries such as CMR-GAB'],
    [{ EXPORTER_PORT: '70000' }, 'EXPORTER_PORT must be a whole number from 0 to 65535, not 70000'],
    [{ ADMIN_API_PORT: '80.5' }, 'ADMIN_API_PORT must be a whole number from 0 to 65535, not 80.5'],
    [{ WORKER_PORT: '0x50' }, 'WORKER_PORT must be a whole number from 0 to 65535, not 0x50'],
    [{ KPAY_OBSERVE_RATE_SECONDS: '-5' }, 'KPAY_OBSERVE_RATE_SECONDS must be a number from 1 to 86400, not -5'],
    [{ KPAY_WORKER_CONCURRENCY: '0' }, 'KPAY_WORKER_CONCURRENCY must be a whole number from 1 to 1000, not 0'],
    [{ KPAY_WORKER_ACCOUNTS: 'default,Two' }, 'KPAY_WORKER_ACCOUNTS must be 1 to 32 of a-z, 0-9 and -'],
    [{ ...KEYS, KPAY_WORKER_ACCOUNTS: 'default,two' }, 'KPAY_WORKER_ACCOUNTS names two, which is not among the accounts'],
    [{ KPAY_API_KEY: 'hush', KPAY_API_KEY_FILE: '/run/key' }, 'KPAY_API_KEY and KPAY_API_KEY_FILE are both set: leave one out'],
    [
      { KPAY_API_KEY_FILE: '/nowhere/key' },
      "KPAY_API_KEY_FILE names a file that cannot be read (ENOENT: no such file or directory, open '/nowhere/key')",
    ],
    [
      { KPAY_ACCOUNTS_FILE: '/nowhere.json' },
      "KPAY_ACCOUNTS_FILE /nowhere.json: cannot be read (ENOENT: no such file or directory, open '/nowhere.json')",
    ],
  ];
  for (const [env, message] of cases) {
    it(message, () => {
      expect(refusal(env)).toBe(message);
      expect(message).not.toContain('hush');
    });
  }

  it('a secret file that is empty', () => {
    const path = join(folder.path, 'empty');
    expect(refusal({ KPAY_ADMIN_TOKEN_FILE: path })).toBe(`KPAY_ADMIN_TOKEN_FILE names an empty file: ${path}`);
  });

  it.each([
    ['two lines', 'hush-1\nhush-2\n', 0o600, 'has more than one line, and must hold the secret alone'],
    ['a character beyond ASCII', 'hüsh', 0o600, 'has characters that are not ASCII, and must hold the secret alone'],
    ['a file that everybody may write', 'hush', 0o666, 'everybody on this machine may change (run chmod 600 PATH)'],
  ])('a secret file with %s, here and in the accounts file', (_what, content, mode, why) => {
    const path = join(folder.path, 'spoilt-key');
    writeFileSync(path, content);
    chmodSync(path, mode);
    const says = `names a file that ${why.replace('PATH', path)}: ${path}`;
    expect(refusal({ KPAY_SECRET_KEY_FILE: path, KPAY_API_KEY: 'kpay_test_x' })).toBe(`KPAY_SECRET_KEY_FILE ${says}`);
    const accounts = join(folder.path, 'spoilt.json');
    writeFileSync(accounts, JSON.stringify({ accounts: [{ name: 'one', apiKey: 'a', secretKeyFile: 'spoilt-key' }] }));
    expect(refusal({ KPAY_ACCOUNTS_FILE: accounts })).toBe(`KPAY_ACCOUNTS_FILE ${accounts}: accounts[0].secretKeyFile ${says}`);
  });

  it('an accounts file that everybody may write', () => {
    const path = join(folder.path, 'open.json');
    writeFileSync(path, JSON.stringify({ accounts: [{ name: 'one', apiKey: 'a', secretKey: 'b' }] }));
    chmodSync(path, 0o666);
    expect(refusal({ KPAY_ACCOUNTS_FILE: path })).toBe(
      `KPAY_ACCOUNTS_FILE ${path}: is a file that everybody on this machine may change (run chmod 600 ${path})`,
    );
  });

  it.each([
    ['REDIS_URL', 'redis://app:a#SECRET@redis:6379'],
    ['REDIS_URL', 'redis://app:12#SECRET@redis:6379'],
    ['REDIS_URL', 'redis://app:12/SECRET@redis:6379'],
    ['REDIS_URL', 'redis://app:12?SECRET@redis:6379'],
    ['REDIS_URL', 'redis://app:SECRET%zz@redis:6379'],
    ['REDIS_URL', 'redis://:SECRET%zz@one:6379,two:6379'],
    ['DATABASE_URL', 'postgres://kpay:a#SECRET@db/kpay'],
    ['DATABASE_URL', 'postgres://kpay:SECRET%zz@db/kpay'],
    ['DATABASE_URL', 'postgres://kpay:SECRET@db:port/kpay'],
  ])('%s that is no address (%s), without its value', (name, value) => {
    expect(refusal({ ...STORES, [name]: value })).toBe(
      `${name} cannot be read as an address: write # / ? @ : and % in its user or password as %23 %2F %3F %40 %3A and %25`,
    );
  });

  it('an account named default beside the one of the environment', () => {
    const path = join(folder.path, 'accounts.json');
    writeFileSync(path, JSON.stringify({ accounts: [{ name: 'default', apiKey: 'kpay_test_hush', secretKey: 'hush' }] }));
    expect(readSettings({ KPAY_ACCOUNTS_FILE: path }).accounts).toMatchObject([{ name: 'default' }]);
    expect(refusal({ ...KEYS, KPAY_ACCOUNTS_FILE: path })).toBe(
      'KPAY_ACCOUNTS_FILE has an account named default, and so is the one of KPAY_API_KEY: rename it there, or leave out KPAY_API_KEY',
    );
  });
});

it.each([
  ['is not UTF-8: save it as UTF-8', Buffer.from('{"accounts":[{"name":"é"}]}', 'latin1')],
  ['is longer than 1 MB', Buffer.from(`{"accounts":[]}${' '.repeat(1_000_000)}`)],
  ['has a list of more than 1000 entries', Buffer.from(JSON.stringify({ accounts: Array(1_001).fill({}) }))],
  ['has a list of more than 1000 entries', Buffer.from(JSON.stringify({ accounts: [{ ratePairs: Array(1_001).fill('') }] }))],
])('a file of settings that %s is refused', (what, content) => {
  const path = join(folder.path, 'unreadable.json');
  writeFileSync(path, content);
  expect(refusal({ KPAY_ACCOUNTS_FILE: path })).toBe(`KPAY_ACCOUNTS_FILE ${path}: ${what}`);
});

it('an accounts file may begin with a byte order mark', () => {
  const path = join(folder.path, 'bom.json');
  writeFileSync(path, `\uFEFF${JSON.stringify({ accounts: [{ name: 'one', apiKey: 'a', secretKey: 'b' }] })}`);
  expect(readSettings({ KPAY_ACCOUNTS_FILE: path }).accounts).toMatchObject([{ name: 'one' }]);
});

it.each([
  'postgres://kpay:p%40ss%23@db:5432/kpay?sslmode=require',
  'postgres:///kpay?host=/run/postgresql',
  'postgresql://kpay@[::1]:5432/kpay?options=-c%20a%3Db',
])('%s is an address of Postgres', (DATABASE_URL) => {
  expect(readSettings({ ...STORES, DATABASE_URL })).toMatchObject({ databaseUrl: DATABASE_URL });
});

it('live keys are accepted where they were meant', () => {
  const live = { ...LIVE, KPAY_ENVIRONMENT: 'PRODUCTION' };
  expect(readSettings({ ...live, ...STORES }).accounts).toMatchObject([{ environment: 'PRODUCTION' }]);
  expect(readSettings({ ...live, KPAY_ALLOW_EMBEDDED_LIVE: '1' })).toMatchObject({ mode: 'embedded' });
  const local = { KPAY_ALLOW_EMBEDDED_LIVE: '1', KPAY_BASE_URL: 'http://127.0.0.1:8090' };
  expect(readSettings({ ...live, ...local }).accounts).toMatchObject([{ baseUrl: 'http://127.0.0.1:8090' }]);
});

describe('a wrong accounts file is refused at the place where it is wrong', () => {
  const messages: Record<string, string> = {
    'no-list.json': 'accounts must be a list',
    'no-account.json': 'accounts must have at least one account',
    'unknown-field.json': 'accounts[0] has unknown fields: apikey',
    'unknown-top-field.json': 'has unknown fields: account',
    'bad-name.json': 'accounts[0].name must be 1 to 32 of a-z, 0-9 and -',
    'no-name.json': 'accounts[0].name must be the name of the account',
    'same-name.json': 'there are two accounts named a',
    'no-secret.json': 'accounts[0] must have one of secretKey and secretKeyFile',
    'two-keys.json': 'accounts[0] must have one of apiKey and apiKeyFile',
    'key-not-text.json': 'accounts[0].apiKey must be text',
    'missing-key-file.json': `accounts[0].apiKeyFile cannot be read (ENOENT: no such file or directory, open '${join(ACCOUNTS, 'bad/nowhere.key')}')`,
    'empty-key-file.json': 'accounts[0].apiKeyFile names an empty file',
    'bad-url.json': 'accounts[0].baseUrl must be an address such as https://admin.kpay.site',
    'bad-environment.json': 'accounts[0].environment must be TEST or PRODUCTION',
    'bad-limit.json': 'accounts[0].rateLimitPerMinute must be a whole number from 1 to 100000',
    'bad-window.json': 'accounts[0].sendWindow.to must be a time such as 08:00',
    'bad-spend-limit.json': 'accounts[0].spendLimits[0].hours must be a whole number of hours from 1 to 8760',
    'bad-pair.json': 'accounts[0].ratePairs[1] must be two currencies such as XAF:XOF, not XAF-XOF',
  };
  const files = readdirSync(join(ACCOUNTS, 'bad')).filter((file) => file.endsWith('.json'));

  it('every bad file has its message', () => expect(files.sort()).toEqual(Object.keys(messages).sort()));

  for (const file of files) {
    it(file, () => {
      const path = join(ACCOUNTS, 'bad', file);
      const message = refusal({ KPAY_ACCOUNTS_FILE: path });
      expect(message).toBe(`KPAY_ACCOUNTS_FILE ${path}: ${messages[file]}`);
      expect(message).not.toContain('hush');
    });
  }
});

it('a file that is not JSON is refused without a word of what is in it', () => {
  const path = join(folder.path, 'not.json');
  writeFileSync(path, '{ "accounts": [{ "apiKey": kpay_live_hush }] }');
  expect(refusal({ KPAY_ACCOUNTS_FILE: path })).toBe(`KPAY_ACCOUNTS_FILE ${path}: is not JSON (check its commas and quotes)`);
  writeFileSync(path, '{\n "accounts": [],\n');
  expect(refusal({ KPAY_ACCOUNTS_FILE: path })).toBe(`KPAY_ACCOUNTS_FILE ${path}: is not JSON (line 3 column 1)`);
});

it('a file that names a field twice is refused: nobody can tell which one counts', () => {
  const path = join(folder.path, 'twice.json');
  writeFileSync(path, '{ "accounts": [{ "name": "a", "apiKey": "kpay_live_hush", "secretKey": "hush", "secretKey": "hush2" }] }');
  chmodSync(path, 0o600);
  expect(refusal({ KPAY_ACCOUNTS_FILE: path })).toBe(`KPAY_ACCOUNTS_FILE ${path}: has the field secretKey twice in one object`);
});

it('the published JSON schema is the one the file is read by', () => {
  const published: unknown = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../accounts-file.schema.json'), 'utf8'));
  expect(published).toEqual(z.toJSONSchema(accountsFileSchema, { io: 'input' }));
});
