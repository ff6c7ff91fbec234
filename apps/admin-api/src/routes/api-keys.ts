import { formatAmount, InvalidAmountError, parseAmount } from '@kpay/core';
import type { ApiKeyRow } from '@kpay/ledger';
import { instantSchema, nameSchema } from '@kpay/producer';
import { decimalSchema, InvalidRequest, type KeyLimit } from '@kpay/transfers';
import { z } from 'zod';
import { isAddressRange } from '../auth/address-ranges.ts';
import type { OnKeyChange } from '../auth/auth-watch.ts';
import { ANYBODY } from '../auth/bounds.ts';
import { type KeyStore, limitsOfKey } from '../auth/key-store.ts';
import { type Scope, scopes } from '../auth/scopes.ts';
import { currencyField } from '../http/known-codes.ts';
import { describeOperation, type Operation } from '../http/operation.ts';
import { pageOf } from '../http/page.ts';
import { Problem } from '../problems/problem.ts';

const time = z.iso.datetime();
const scope = z.enum(scopes, `must be one of ${scopes.join(', ')}`);

const spendLimit = z.strictObject({
  currency: z.string(),
  amount: decimalSchema,
  hours: z.int().describe('The length of the period in hours.'),
});

const view = {
  id: z.string(),
  name: z.string(),
  owner: z.string().describe("The owner of the key's idempotency keys. Events show it as `actor`."),
  prefix: z.string().describe('The first characters of the key.'),
  scopes: z.array(scope),
  accounts: z.array(z.string()).nullable().describe('The accounts that it reaches; null: all.'),
  mayMakeFor: z
    .array(z.string())
    .nullable()
    .describe('The other owners whose keys it may make, see and revoke; `*`: all, null: none.'),
  addressRanges: z.array(z.string()).nullable(),
  spendLimits: z
    .array(spendLimit)
    .nullable()
    .describe('The most that it and all keys below it may create. Currencies that are not listed are not allowed.'),
  requestsPerMinute: z.int().nullable().describe('Its rate limit; null: that of the setting.'),
  createdBy: z
    .string()
    .describe('The id of the key that made it; `admin` for the bootstrap token; else the subject of the issuer.'),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable().describe('To the minute.'),
  revokedAt: time.nullable(),
  revokedBy: z.string().nullable().describe('As in createdBy.'),
};
const keySchema = z.strictObject(view).meta({ id: 'ApiKey' });
const newKeySchema = z
  .strictObject({ ...view, key: z.string().describe('The key itself. It is shown only now and stored nowhere.') })
  .meta({ id: 'NewApiKey' });

const revokedKeySchema = z
  .strictObject({
    ...view,
    alsoRevoked: z.array(z.string()).describe('The ids of the keys below it, which were revoked with it.'),
  })
  .meta({ id: 'RevokedApiKey' });
const ownerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a to z, 0 to 9, ".", "_" and "-"')
  .refine((owner) => !['admin', 'queue', 'worker'].includes(owner), 'must not be admin, queue or worker');

const bodySchema = z.strictObject({
  name: nameSchema(100),
  owner: ownerName
    .optional()
    .describe(
      "By default the maker's owner. Subjects of an issuer can make keys only for themselves; the bootstrap token must set it.",
    ),
  scopes: z.array(scope).min(1, 'must name a scope').max(scopes.length, 'must name each scope once'),
  accounts: z
    .array(z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be the name of an account'))
    .min(1, 'must not be empty')
    .max(100, 'must be at most 100')
    .optional(),
  mayMakeFor: z
    .array(z.union([z.literal(ANYBODY), ownerName], 'must be owners, or "*" for all'))
    .min(1, 'must not be empty')
    .max(100, 'must be at most 100')
    .optional(),
  addressRanges: z
    .array(z.string().refine(isAddressRange, 'must be addresses or ranges such as 10.0.0.0/8'))
    .min(1, 'must not be empty')
    .max(50, 'must be at most 50')
    .optional(),
  spendLimits: z
    .array(
      z.strictObject({
        currency: currencyField(z.string().regex(/^[A-Z]{3}$/, 'must be a currency such as XAF')),
        amount: z.union([z.string(), z.number()], 'must be an amount such as 5000000'),
        hours: z.int('must be a whole number').min(1, 'must be at least 1').max(8_760, 'must be at most 8760'),
      }),
      'must be a list',
    )
    .min(1, 'must not be empty')
    .max(20, 'must be at most 20')
    .optional(),
  requestsPerMinute: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1_000_000, 'must be at most 1000000')
    .optional(),
  expiresAt: instantSchema.optional(),
});

export function listApiKeys({ keys }: { keys: KeyStore }): Operation {
  return describeOperation({
    name: 'listApiKeys',
    method: 'get',
    path: '/api-keys',
    scope: 'keys',
    summary:
      'List the keys of your owner and of owners for which you may make keys, if they reach no more accounts than yours. The keys themselves are not shown.',
    answer: { status: 200, schema: pageOf(keySchema) },
    handle: async ({ caller }) => ({ body: { items: (await keys.list(caller)).map(presentKey), nextCursor: null } }),
  });
}

export function createApiKey({ keys, onChange }: { keys: KeyStore; onChange: OnKeyChange }): Operation {
  return describeOperation({
    name: 'createApiKey',
    method: 'post',
    path: '/api-keys',
    scope: 'keys',
    summary: "Make a key for a person or a service, within its maker's bounds. A bound that is left out is taken from the maker.",
    body: bodySchema,
    example: () => ({ name: 'Dashboard', owner: 'dashboard', scopes: ['read'] }),
    unrepeatable: true,
    answer: { status: 201, schema: newKeySchema, location: true },
    problems: ['forbidden'],
    async handle({ body: { spendLimits, expiresAt, ...body }, caller }) {
      if (body.owner === undefined && caller.owner === 'admin') throw new InvalidRequest('owner', 'is required');
      if (body.mayMakeFor && !body.scopes.includes('keys')) {
        throw new InvalidRequest('mayMakeFor', 'must be left out without the scope keys');
      }
      const { key, row } = await keys.create(
        {
          ...body,
          scopes: [...new Set(body.scopes)],
          ...(body.accounts && { accounts: [...new Set(body.accounts)] }),
          ...(spendLimits && { spendLimits: spendLimits.map(limitOf) }),
          ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
        },
        caller,
      );
      onChange({ change: 'made', row, caller });
      return { body: { ...presentKey(row), key }, headers: { location: `/v1/api-keys/${row.id}` } };
    },
  });
}

export function revokeApiKey({ keys, onChange }: { keys: KeyStore; onChange: OnKeyChange }): Operation {
  return describeOperation({
    name: 'revokeApiKey',
    method: 'delete',
    path: '/api-keys/{id}',
    scope: 'keys',
    summary: 'Revoke a key for good, with all keys below it. They are refused from the answer on.',
    answer: { status: 200, schema: revokedKeySchema },
    async handle({ id, caller }) {
      const revoked = await keys.revoke(id, caller);
      if (!revoked) throw new Problem('not_found', 'There is no such key, or it was revoked before.');
      const { row, others } = revoked;
      onChange({ change: 'revoked', row, others, caller });
      return { body: { ...presentKey(row), alsoRevoked: others } };
    },
  });
}

function limitOf(
  { currency, amount, hours }: { currency: string; amount: string | number; hours: number },
  index: number,
): KeyLimit {
  try {
    return { currency, amountMinor: parseAmount(amount, currency).amountMinor, hours };
  } catch (error) {
    if (error instanceof InvalidAmountError) throw new InvalidRequest(`spendLimits.${index}.amount`, error.message);
    throw error;
  }
}

function presentKey(row: ApiKeyRow): z.infer<typeof keySchema> {
  const iso = (at: Date | null) => at?.toISOString() ?? null;
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    prefix: `kops_${row.id}_`,
    scopes: row.scopes as Scope[],
    accounts: row.accounts,
    mayMakeFor: row.may_make_for,
    addressRanges: row.address_ranges,
    spendLimits:
      row.spend_limits &&
      limitsOfKey(row).map(({ currency, amountMinor, hours }) => ({
        currency,
        amount: formatAmount({ amountMinor, currency }),
        hours,
      })),
    requestsPerMinute: row.requests_per_minute,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    expiresAt: iso(row.expires_at),
    lastUsedAt: iso(row.last_used_at),
    revokedAt: iso(row.revoked_at),
    revokedBy: row.revoked_by,
  };
}
