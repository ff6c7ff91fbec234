import { resolve } from 'node:path';
import type { z } from 'zod';
import type { SendWindowSetting, SpendLimitSetting } from './account-rules.ts';
import { type AccountEntry, readAccountsFile } from './accounts-file.ts';
import { environmentVariables, FROM_FILE } from './environment.ts';
import type { OidcSettings } from './oidc-settings.ts';
import { redisNodes } from './redis-nodes.ts';
import { whyNoSecret } from './secret-file.ts';
import { readSettingFile } from './setting-file.ts';
import { type Environment, SettingsError } from './setting-values.ts';

const LOOPBACK = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/;

/** The rules of an account for all its transfers. */
export interface AccountRuleSettings {
  /** Whether a transfer waits while no operator of its destination pays out. */
  checkDestinationPayouts?: boolean;
  sendWindow?: SendWindowSetting;
  spendLimits?: readonly SpendLimitSetting[];
}

/** One KPay account and how to reach it. */
export interface AccountSettings extends AccountRuleSettings {
  name: string;
  apiKey: string;
  secretKey: string;
  baseUrl: string;
  environment: Environment;
  rateLimitPerMinute: number;
  /** `XAF:XOF`. Missing when none are set; then the catalogue's pairs are used. */
  ratePairs?: readonly string[];
}

/** Redis and timers count in whole milliseconds. With KPAY_BUDGET_WINDOW_SECONDS=1.0005 nothing could be sent. */
const wholeMs = (givenSeconds: number): number => Math.round(givenSeconds * 1_000);

type Variables = z.infer<typeof environmentVariables>;

const MIN_TOKEN_LENGTH = 32;

/** Embedded: PGlite in the process. Production: Postgres and Redis. The tag is `mode`: it is a field of Settings. */
export type Stores = { mode: 'embedded' } | { mode: 'production'; databaseUrl: string; redisUrl: string };

/** All settings of a process. */
export type Settings = Stores & {
  /** For accounts without rules of their own. */
  rules: AccountRuleSettings;
  /** KPay's limit for one key, for accounts that set none. */
  rateLimitPerMinute: number;
  /** Empty when no key is set; then the simulator's account is used. */
  accounts: AccountSettings[];
  /** KPAY_DATA_DIR as an absolute path. */
  dataDir: string;
  adminToken?: string;
  /** The secret for hashing API keys. */
  keysSecret?: string;
  /** Whose tokens the admin API accepts besides its own keys. */
  oidc?: OidcSettings;
  /** How often a key may ask the admin API, unless it has a limit of its own. */
  apiRequestsPerMinute: number;
  /** How often KPay is read, by all processes together. */
  observeEveryMs: { balance: number; availability: number; rate: number };
  /** `XAF:XOF`, for accounts that have none of their own. */
  ratePairs?: string[];
  /** How long KPay counts a request: a minute, less in scaled tests. */
  budgetWindowMs: number;
  /** The least time between the two 409 that together confirm a transfer. */
  conflictConfirmMs: number;
  /** Module paths and package names, in the order they are loaded. */
  plugins: string[];
  /** The addresses of proxies in the environment, for their passwords. @kpay/core reads them itself. */
  proxies: string[];
  /** KPay is reached over IPv4 alone. */
  ipv4Only: boolean;
  workerConcurrency: number;
  /** The accounts that this worker serves; missing means all. */
  workerAccounts?: string[];
  /** Who may see the metrics, and the TLS settings (readWebConfig). */
  webConfigFile?: string;
  /** The origins whose pages may read the admin API's answers. */
  corsOrigins?: string[];
  /** How long the admin API keeps an idle connection: longer than a balancer before it. */
  httpKeepAliveMs: number;
  simulatorTimeScale: number;
  host: string;
  ports: { adminApi: number; exporter: number; worker: number; simulator: number };
};

/**
 * Reads the settings of a process from its environment and the files that it names. Blank values count as missing.
 *
 * @throws SettingsError, one line that names the setting and says what would be right.
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const given = readVariables(env);
  const parsed = environmentVariables.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SettingsError(`${String(issue?.path[0])} ${describe(issue)}`);
  }
  const variables = parsed.data;
  const stores = chooseStores(variables);
  const accounts = readAccounts(variables);
  if (accounts.length === 0 && variables.KPAY_ENVIRONMENT === 'PRODUCTION') {
    throw new SettingsError(
      'KPAY_ENVIRONMENT is PRODUCTION but no key is set: set KPAY_API_KEY and KPAY_SECRET_KEY, or KPAY_ACCOUNTS_FILE',
    );
  }
  for (const account of accounts) checkAccount(account, stores.mode, variables.KPAY_ALLOW_EMBEDDED_LIVE);
  checkWorkerAccounts(variables, accounts);
  checkAdminToken(variables, stores.mode);
  const oidc = readOidc(variables);
  return {
    ...stores,
    accounts,
    rules: rulesOf(variables),
    rateLimitPerMinute: variables.KPAY_RATE_LIMIT_PER_MINUTE,
    dataDir: resolve(variables.KPAY_DATA_DIR),
    ...(variables.KPAY_ADMIN_TOKEN && { adminToken: variables.KPAY_ADMIN_TOKEN }),
    ...(variables.KPAY_KEYS_SECRET && { keysSecret: variables.KPAY_KEYS_SECRET }),
    ...(oidc && { oidc }),
    apiRequestsPerMinute: variables.KPAY_API_REQUESTS_PER_MINUTE,
    observeEveryMs: {
      balance: wholeMs(variables.KPAY_OBSERVE_BALANCE_SECONDS),
      availability: wholeMs(variables.KPAY_OBSERVE_AVAILABILITY_SECONDS),
      rate: wholeMs(variables.KPAY_OBSERVE_RATE_SECONDS),
    },
    ...(variables.KPAY_RATE_PAIRS && { ratePairs: variables.KPAY_RATE_PAIRS }),
    budgetWindowMs: wholeMs(variables.KPAY_BUDGET_WINDOW_SECONDS),
    conflictConfirmMs: wholeMs(variables.KPAY_CONFLICT_CONFIRM_SECONDS),
    plugins: variables.KPAY_PLUGINS,
    proxies: PROXY_VARIABLES.flatMap((name) => given[name] ?? []),
    ipv4Only: variables.KPAY_IPV4_ONLY,
    workerConcurrency: variables.KPAY_WORKER_CONCURRENCY,
    ...(variables.KPAY_WORKER_ACCOUNTS && { workerAccounts: variables.KPAY_WORKER_ACCOUNTS }),
    ...(variables.KPAY_WEB_CONFIG_FILE && { webConfigFile: resolve(variables.KPAY_WEB_CONFIG_FILE) }),
    ...(variables.KPAY_CORS_ORIGINS && { corsOrigins: variables.KPAY_CORS_ORIGINS }),
    httpKeepAliveMs: variables.KPAY_HTTP_KEEP_ALIVE_SECONDS * 1_000,
    simulatorTimeScale: variables.SIMULATOR_TIME_SCALE,
    host: variables.HOST,
    ports: {
      adminApi: variables.ADMIN_API_PORT,
      exporter: variables.EXPORTER_PORT,
      worker: variables.WORKER_PORT,
      simulator: variables.SIMULATOR_PORT,
    },
  };
}

/** Includes the place within a setting that has several parts. */
function describe(issue: z.core.$ZodIssue | undefined): string {
  const rest = issue?.path.slice(1).map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)) ?? [];
  const named = rest.findIndex((step) => step.startsWith('.'));
  return named < 0 ? (issue?.message ?? '') : `${rest.join('').replace(/^\./, '')} ${issue?.message}`;
}

/** All secrets among the settings, for `createLogger`. */
export function secretsOf(settings: Settings): string[] {
  const urls = settings.mode === 'production' ? [settings.databaseUrl, ...redisNodes(settings.redisUrl)] : [];
  const passwords = [...urls, ...settings.proxies].flatMap((url) => {
    const password = URL.parse(url.includes('://') ? url : `http://${url}`)?.password ?? '';
    return [password, decoded(password)];
  });
  const keys = settings.accounts.flatMap(({ apiKey, secretKey }) => [apiKey, secretKey]);
  return [...keys, ...passwords, settings.adminToken ?? '', settings.keysSecret ?? ''].filter((secret) => secret !== '');
}

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

/** The token may do everything, so it must not be possible to guess it where others can reach the API. */
function checkAdminToken({ KPAY_ADMIN_TOKEN: token, KPAY_ENVIRONMENT: environment }: Variables, mode: Stores['mode']): void {
  if (token === undefined || token.length >= MIN_TOKEN_LENGTH) return;
  if (mode === 'production' || environment === 'PRODUCTION') {
    throw new SettingsError(
      `KPAY_ADMIN_TOKEN is too short: set one of ${MIN_TOKEN_LENGTH} characters or more (openssl rand -hex 32)`,
    );
  }
}

function readVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  const variables = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  ) as Record<string, string>;
  for (const name of FROM_FILE) {
    const path = variables[`${name}_FILE`];
    if (path === undefined) continue;
    if (variables[name] !== undefined) throw new SettingsError(`${name} and ${name}_FILE are both set: leave one out`);
    variables[name] = readSecretFile(`${name}_FILE`, path);
  }
  return variables;
}

function readSecretFile(setting: string, path: string): string {
  const content = readSettingFile(path, (what) => new SettingsError(`${setting} names a file that ${what}`)).trim();
  if (content === '') throw new SettingsError(`${setting} names an empty file: ${path}`);
  const wrong = whyNoSecret(content, path);
  if (wrong !== undefined) throw new SettingsError(`${setting} names a file that ${wrong}: ${path}`);
  return content;
}

function readOidc(variables: Variables): OidcSettings | undefined {
  const { KPAY_OIDC_ISSUER: issuer, KPAY_OIDC_AUDIENCE: audience, KPAY_OIDC_JWKS_URL: jwksUrl } = variables;
  const { KPAY_OIDC_SCOPES: scopes, KPAY_OIDC_SCOPES_CLAIM: scopesClaim } = variables;
  const { KPAY_OIDC_ACCOUNTS_CLAIM: accountsClaim, KPAY_OIDC_KEY_DAYS: keyDays } = variables;
  if (issuer === undefined) {
    const names = [
      'KPAY_OIDC_AUDIENCE',
      'KPAY_OIDC_JWKS_URL',
      'KPAY_OIDC_SCOPES',
      'KPAY_OIDC_ACCOUNTS_CLAIM',
      'KPAY_OIDC_KEY_DAYS',
    ] as const;
    const set = names.find((name) => variables[name] !== undefined);
    if (set !== undefined) throw new SettingsError(`${set} is set but KPAY_OIDC_ISSUER is not: set it, or leave both out`);
    return undefined;
  }
  if (audience === undefined) {
    throw new SettingsError(
      'KPAY_OIDC_ISSUER is set but KPAY_OIDC_AUDIENCE is not: without it a token for any other service would open this API',
    );
  }
  for (const [name, url] of Object.entries({ KPAY_OIDC_ISSUER: issuer, KPAY_OIDC_JWKS_URL: jwksUrl })) {
    if (url !== undefined && !url.startsWith('https://') && !LOOPBACK.test(url)) {
      throw new SettingsError(`${name} is not https: somebody on the network could forge tokens`);
    }
  }
  return {
    issuer,
    audience,
    scopesClaim,
    ...(jwksUrl && { jwksUrl }),
    ...(scopes && { scopes }),
    ...(accountsClaim && { accountsClaim }),
    ...(keyDays && { keyDays }),
  };
}

function chooseStores({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl }: Variables): Stores {
  if (databaseUrl && redisUrl) return { mode: 'production', databaseUrl, redisUrl };
  if (!databaseUrl && !redisUrl) return { mode: 'embedded' };
  const [set, missing] = databaseUrl ? ['DATABASE_URL', 'REDIS_URL'] : ['REDIS_URL', 'DATABASE_URL'];
  throw new SettingsError(`${set} is set but ${missing} is not: set both for production, or neither to run embedded`);
}

function readAccounts(variables: Variables): AccountSettings[] {
  const own = readOwnKeys(variables);
  const listed = variables.KPAY_ACCOUNTS_FILE === undefined ? [] : readAccountsFile(variables.KPAY_ACCOUNTS_FILE);
  if (own.length > 0 && listed.some(({ name }) => name === 'default')) {
    throw new SettingsError(
      'KPAY_ACCOUNTS_FILE has an account named default, and so is the one of KPAY_API_KEY: rename it there, or leave out KPAY_API_KEY',
    );
  }
  return [...own, ...listed].map((entry) => {
    const ratePairs = entry.ratePairs ?? variables.KPAY_RATE_PAIRS;
    const { checkDestinationPayouts, sendWindow, spendLimits } = entry;
    return {
      name: entry.name,
      apiKey: entry.apiKey,
      secretKey: entry.secretKey,
      baseUrl: entry.baseUrl ?? variables.KPAY_BASE_URL,
      environment: entry.environment ?? variables.KPAY_ENVIRONMENT,
      rateLimitPerMinute: entry.rateLimitPerMinute ?? variables.KPAY_RATE_LIMIT_PER_MINUTE,
      ...(ratePairs && { ratePairs }),
      ...rulesOf(variables),
      ...(checkDestinationPayouts !== undefined && { checkDestinationPayouts }),
      ...(sendWindow && { sendWindow }),
      ...(spendLimits && { spendLimits }),
    };
  });
}

function rulesOf(variables: Variables): AccountRuleSettings {
  return {
    ...(variables.KPAY_CHECK_DESTINATION_PAYOUTS && { checkDestinationPayouts: true }),
    ...(variables.KPAY_SEND_WINDOW && { sendWindow: variables.KPAY_SEND_WINDOW }),
    ...(variables.KPAY_SPEND_LIMITS && { spendLimits: variables.KPAY_SPEND_LIMITS }),
  };
}

function readOwnKeys({ KPAY_API_KEY: apiKey, KPAY_SECRET_KEY: secretKey }: Variables): AccountEntry[] {
  if (apiKey && secretKey) return [{ name: 'default', apiKey, secretKey }];
  if (!apiKey && !secretKey) return [];
  const [set, missing] = apiKey ? ['KPAY_API_KEY', 'KPAY_SECRET_KEY'] : ['KPAY_SECRET_KEY', 'KPAY_API_KEY'];
  throw new SettingsError(`${set} is set but ${missing} is not: KPay needs both`);
}

/** Protects live money from mistakes. The key's prefix shows its environment. */
function checkAccount(account: AccountSettings, mode: Stores['mode'], allowEmbeddedLive: boolean): void {
  const { name, apiKey, environment, baseUrl } = account;
  if (apiKey.startsWith('kpay_live_') && environment !== 'PRODUCTION') {
    throw new SettingsError(`account ${name} has a live key: set KPAY_ENVIRONMENT=PRODUCTION if real money is meant to move`);
  }
  if (apiKey.startsWith('kpay_test_') && environment !== 'TEST') {
    throw new SettingsError(`account ${name} has a test key: set KPAY_ENVIRONMENT=TEST, or use its live key`);
  }
  if (environment !== 'PRODUCTION') return;
  if (!baseUrl.startsWith('https://') && !LOOPBACK.test(baseUrl)) {
    throw new SettingsError(`account ${name} is PRODUCTION and its base URL is not https: set KPAY_BASE_URL to https://…`);
  }
  if (mode === 'embedded' && !allowEmbeddedLive) {
    throw new SettingsError(
      `account ${name} is PRODUCTION without DATABASE_URL and REDIS_URL: set them, or KPAY_ALLOW_EMBEDDED_LIVE=1 to keep real money in one folder`,
    );
  }
}

function checkWorkerAccounts({ KPAY_WORKER_ACCOUNTS: chosen = [] }: Variables, accounts: AccountSettings[]): void {
  const unknown = chosen.find((name) => accounts.every((account) => account.name !== name));
  if (unknown !== undefined && accounts.length > 0) {
    throw new SettingsError(`KPAY_WORKER_ACCOUNTS names ${unknown}, which is not among the accounts`);
  }
}
