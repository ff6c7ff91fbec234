import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { doubtIn } from '../json-in-doubt.ts';
import { reasonOf } from '../start-error.ts';
import { sendWindowSchema, spendLimitSchema } from './account-rules.ts';
import { whyNoSecret, whyOpen } from './secret-file.ts';
import { readSettingFile } from './setting-file.ts';
import {
  accountNameSchema,
  baseUrlSchema,
  environmentSchema,
  keySchema,
  rateLimitSchema,
  ratePairSchema,
  SettingsError,
  secretSchema,
} from './setting-values.ts';

/** Validating each entry of a list takes time. */
const MAX_ENTRIES = 1_000;
const keyFile = (of: string) =>
  secretSchema
    .optional()
    .describe(`Path of a file that holds the ${of} alone, relative to this file; instead of the ${of} itself`);

const accountSchema = z.strictObject({
  name: accountNameSchema.describe('Names the account in queues, requests and metrics; never changes'),
  apiKey: keySchema.optional(),
  apiKeyFile: keyFile('API key'),
  secretKey: keySchema.optional(),
  secretKeyFile: keyFile('secret key'),
  baseUrl: baseUrlSchema.optional().describe('KPAY_BASE_URL by default'),
  environment: environmentSchema.optional().describe('KPAY_ENVIRONMENT by default'),
  rateLimitPerMinute: rateLimitSchema.optional(),
  ratePairs: z.array(ratePairSchema, { error: 'must be a list' }).optional(),
  checkDestinationPayouts: z
    .boolean({ error: 'must be true or false' })
    .optional()
    .describe('Hold a transfer while no operator of its destination pays out; KPAY_CHECK_DESTINATION_PAYOUTS by default'),
  sendWindow: sendWindowSchema.optional(),
  spendLimits: z.array(spendLimitSchema, { error: 'must be a list' }).optional().describe('KPAY_SPEND_LIMITS by default'),
});

/** The file that KPAY_ACCOUNTS_FILE names. accounts-file.schema.json beside this package's manifest is made from it. */
export const accountsFileSchema = z.strictObject({
  $schema: z.string().optional(),
  accounts: z.array(accountSchema, { error: 'must be a list' }).min(1, 'must have at least one account'),
});

/** One account of the file, with its keys already read. */
export type AccountEntry = Omit<z.infer<typeof accountSchema>, 'apiKeyFile' | 'secretKeyFile'> & {
  apiKey: string;
  secretKey: string;
};

/**
 * Reads the accounts file and the key files that it names.
 *
 * @throws SettingsError naming the place in the file.
 */
export function readAccountsFile(path: string): AccountEntry[] {
  const wrong = (what: string) => new SettingsError(`KPAY_ACCOUNTS_FILE ${path}: ${what}`);
  const content = parseJson(readSettingFile(path, wrong), wrong);
  // The nesting of the file: the file, its accounts, one account, a list in it.
  if (isWide(content, 4)) throw wrong(`has a list of more than ${MAX_ENTRIES} entries`);
  const parsed = accountsFileSchema.safeParse(content);
  const open = whyOpen(path);
  if (open !== undefined) throw wrong(`is a file that ${open}`);
  if (!parsed.success) throw wrong(describeIssue(parsed.error));
  const { accounts } = parsed.data;
  const repeated = accounts.find((account, index) => accounts.findIndex(({ name }) => name === account.name) < index);
  if (repeated) throw wrong(`there are two accounts named ${repeated.name}`);

  return accounts.map(({ apiKeyFile, secretKeyFile, ...account }, index) => {
    const key = (name: 'apiKey' | 'secretKey', value: string | undefined, file: string | undefined): string => {
      if ((value === undefined) === (file === undefined))
        throw wrong(`accounts[${index}] must have one of ${name} and ${name}File`);
      if (value !== undefined) return value.trim();
      const wrongFile = (what: string) => wrong(`accounts[${index}].${name}File ${what}`);
      const keyPath = resolve(dirname(path), file ?? '');
      const content = readSettingFile(keyPath, wrongFile).trim();
      if (content === '') throw wrongFile('names an empty file');
      const why = whyNoSecret(content, keyPath);
      if (why !== undefined) throw wrongFile(`names a file that ${why}: ${keyPath}`);
      return content;
    };
    return {
      ...account,
      apiKey: key('apiKey', account.apiKey, apiKeyFile),
      secretKey: key('secretKey', account.secretKey, secretKeyFile),
    };
  });
}

function isWide(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || levels === 0) return false;
  const entries = Object.values(value);
  return entries.length > MAX_ENTRIES || entries.some((entry) => isWide(entry, levels - 1));
}

function parseJson(text: string, wrong: (what: string) => SettingsError): unknown {
  let content: unknown;
  try {
    // Some editors begin a file with a byte order mark.
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // The parser's own message quotes the file, and perhaps a key. So only the place is shown.
    const [place = 'check its commas and quotes'] = /line \d+ column \d+/.exec(reasonOf(error)) ?? [];
    throw wrong(`is not JSON (${place})`);
  }
  const doubt = doubtIn(text);
  if (doubt !== undefined) throw wrong(doubt);
  return content;
}

function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue) return 'is wrong';
  const place = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  const what = issue.code === 'unrecognized_keys' ? `has unknown fields: ${issue.keys.join(', ')}` : issue.message;
  return place === '' ? what : `${place.slice(1)} ${what}`;
}
