import { z } from 'zod';
import { sendWindowText, spendLimitsText } from './account-rules.ts';
import { oidcVariables } from './oidc-settings.ts';
import { redisNodes } from './redis-nodes.ts';
import {
  accountNameSchema,
  baseUrlSchema,
  environmentSchema,
  keySchema,
  listSchema,
  numberSchema,
  originSchema,
  rateLimitSchema,
  ratePairSchema,
  secretSchema,
} from './setting-values.ts';

const KPAY_URL = 'https://admin.kpay.site';

const port = numberSchema({ least: 0, most: 65_535, whole: true });
const seconds = numberSchema({ least: 1, most: 86_400, whole: false });
const flag = z.literal('1', { error: 'must be 1, or left out' }).transform(() => true);
const urlOf = (scheme: RegExp, example: string) =>
  secretSchema.regex(scheme, `must begin with ${example}`).refine((url) => redisNodes(url).every(isParsable), {
    error: 'cannot be read as an address: write # / ? @ : and % in its user or password as %23 %2F %3F %40 %3A and %25',
  });

/**
 * The settings by topic. `npm run settings` makes docs/settings.md from this, so that the two cannot differ. Each
 * description is Markdown.
 */
export const settingGroups = {
  'KPay and its accounts': {
    KPAY_API_KEY: keySchema.optional().describe("The account's API key. Unset: the simulator."),
    KPAY_SECRET_KEY: keySchema.optional().describe("The account's secret key."),
    KPAY_ACCOUNTS_FILE: z
      .string()
      .optional()
      .describe(
        'A file with several accounts: `{"accounts": [{"name", "apiKey", "secretKey", …}]}` ' +
          '([schema](../packages/runtime/accounts-file.schema.json)).',
      ),
    KPAY_BASE_URL: baseUrlSchema.default(KPAY_URL).describe("KPay's address."),
    KPAY_ENVIRONMENT: environmentSchema.default('TEST').describe('`PRODUCTION` for live keys; they are refused without it.'),
    KPAY_RATE_LIMIT_PER_MINUTE: z
      .string()
      .transform(Number)
      .pipe(rateLimitSchema)
      .default(100)
      .describe('Requests that KPay allows one key in a minute. The simulator of `kpay up` allows as many.'),
    KPAY_IPV4_ONLY: flag.default(false).describe('`1` where IPv6 connections to KPay time out.'),
  },
  Stores: {
    DATABASE_URL: urlOf(/^postgres(ql)?:\/\//, 'postgres://')
      .optional()
      .describe('Postgres of the ledger. Set it together with `REDIS_URL`; without both, everything runs embedded.'),
    REDIS_URL: urlOf(/^rediss?:\/\//, 'redis:// or rediss://')
      .optional()
      .describe('Redis of queues, budget and tokens; several nodes of a cluster with commas.'),
    KPAY_DATA_DIR: z
      .string()
      .default('.kpay')
      .describe('Embedded: the folder of the ledger, on a local disk. Refused while other users may enter it (`chmod 700`).'),
    KPAY_ALLOW_EMBEDDED_LIVE: flag.default(false).describe('`1` allows live keys in embedded mode.'),
  },
  'Who may use the API': {
    KPAY_ADMIN_TOKEN: keySchema
      .optional()
      .describe(
        'Bearer token that may do everything; 32 characters or more in production. Embedded without one: made, kept and printed.',
      ),
    KPAY_KEYS_SECRET: secretSchema
      .optional()
      .describe('Secret for hashing API keys. Unset: the admin token, and changing that token then invalidates all keys.'),
    ...oidcVariables,
    KPAY_API_REQUESTS_PER_MINUTE: numberSchema({ least: 1, most: 1_000_000, whole: true })
      .default(20_000)
      .describe('Requests that a key may make in a minute, unless it has a limit of its own.'),
    KPAY_CORS_ORIGINS: listSchema(originSchema)
      .optional()
      .describe("Origins whose pages may read the API's answers in a browser, such as `https://desk.example`."),
    KPAY_WEB_CONFIG_FILE: z
      .string()
      .optional()
      .describe(
        'Who may scrape `/metrics`: users, a token, TLS, in the format of Prometheus exporters ' +
          '([metrics.md](metrics.md#who-may-scrape)).',
      ),
  },
  'What is sent, and when': {
    KPAY_SEND_WINDOW: sendWindowText
      .optional()
      .describe(
        'When transfers are sent, for accounts without rules of their own ([plugins.md](plugins.md#the-built-in-checks)).',
      ),
    KPAY_SPEND_LIMITS: spendLimitsText
      .optional()
      .describe(
        'How much is sent in a time, for accounts without rules of their own ([plugins.md](plugins.md#the-built-in-checks)).',
      ),
    KPAY_CHECK_DESTINATION_PAYOUTS: flag.optional().describe('`1` holds transfers into countries where no operator pays out.'),
    KPAY_CONFLICT_CONFIRM_SECONDS: seconds
      .default(60)
      .describe(
        'The least time between the two conflicts that confirm a transfer; longer than KPay lets a call run ' +
          '([decision 0028](decisions/0028-no-call-runs-longer-than-the-conflicts-are-apart.md)).',
      ),
    KPAY_WORKER_CONCURRENCY: numberSchema({ least: 1, most: 1_000, whole: true })
      .default(10)
      .describe('Transfers of each account that a worker advances at once.'),
    KPAY_WORKER_ACCOUNTS: listSchema(accountNameSchema).optional().describe('The accounts that this worker serves. Unset: all.'),
    KPAY_PLUGINS: listSchema(z.string())
      .default([])
      .describe('Module paths and package names of plugins, with commas ([plugins.md](plugins.md)).'),
  },
  'What is read from KPay': {
    KPAY_OBSERVE_BALANCE_SECONDS: seconds
      .default(30)
      .describe('How often all processes together read the balance, and its maximum age for a send.'),
    KPAY_OBSERVE_AVAILABILITY_SECONDS: seconds.default(60).describe('The same for the operators.'),
    KPAY_OBSERVE_RATE_SECONDS: seconds.default(600).describe('The same for rates.'),
    KPAY_RATE_PAIRS: listSchema(ratePairSchema)
      .optional()
      .describe('Rates that the exporter shows besides those that transfers need, such as `XAF:XOF,XOF:XAF`.'),
  },
  'Servers of this process': {
    HOST: z.string().default('127.0.0.1').describe('The address that servers bind.'),
    ADMIN_API_PORT: port.default(8080).describe('The admin API.'),
    EXPORTER_PORT: port.default(9464).describe('The exporter.'),
    WORKER_PORT: port.default(9465).describe("The worker's health and metrics."),
    SIMULATOR_PORT: port.default(8090).describe('The simulator.'),
    KPAY_HTTP_KEEP_ALIVE_SECONDS: numberSchema({ least: 1, most: 3_600, whole: true })
      .default(65)
      .describe('How long the API keeps an idle connection: longer than a load balancer before it reuses one.'),
  },
  'For scaled tests': {
    KPAY_BUDGET_WINDOW_SECONDS: seconds.default(60).describe('How long KPay counts a request.'),
    SIMULATOR_TIME_SCALE: numberSchema({ least: 0.001, most: 100_000, whole: false })
      .default(1)
      .describe("How much faster the simulator's clock runs."),
  },
} as const;

type Groups = typeof settingGroups;
type Shape = Groups[keyof Groups] extends infer Group ? (Group extends unknown ? (group: Group) => void : never) : never;
type Variables = Shape extends (group: infer Group) => void ? Group : never;

/** Every setting that a process reads from its environment. */
export const environmentVariables = z.object(Object.assign({}, ...Object.values(settingGroups)) as Variables);

/** Settings that may be in a file named by `<NAME>_FILE`, as container platforms provide secrets. */
export const FROM_FILE = ['KPAY_API_KEY', 'KPAY_SECRET_KEY', 'KPAY_ADMIN_TOKEN', 'KPAY_KEYS_SECRET', 'DATABASE_URL', 'REDIS_URL'];

/** Whether an address is read as it was meant. A bare # or / in a password would end the host before it begins. */
function isParsable(url: string): boolean {
  const parsed = URL.parse(url);
  if (!parsed || url.includes('#') || parsed.pathname.includes('@') || parsed.search.includes('@')) return false;
  try {
    for (const part of [parsed.username, parsed.password, parsed.pathname]) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}
