import type { KpayAccount } from '@kpay/core';
import type { PauseRow } from '@kpay/ledger';
import { instantSchema } from '@kpay/producer';
import type { Ledger } from '@kpay/transfers';
import { liftPause, listPauses, pause } from '@kpay/transfers/operations';
import type { EpochWitness } from '@kpay/transfers/worker';
import { z } from 'zod';
import { reaches, requireAccount, requireAllAccounts, requirePause } from '../auth/rights.ts';
import { describeOperation, type Operation } from '../http/operation.ts';
import { pageOf } from '../http/page.ts';
import { reasonSchema } from '../http/parse-body.ts';
import { Problem } from '../problems/problem.ts';

const until = instantSchema.optional();
const account = z.string({ error: 'must be the name of an account' });
const corridor = z
  .string({ error: 'must be a corridor, such as CMR-GAB' })
  .regex(/^[A-Z]{3}-[A-Z]{3}$/, 'must be a corridor, such as CMR-GAB');
const common = { reason: reasonSchema, until };
const bodySchema = z.discriminatedUnion(
  'scope',
  [
    z.strictObject({ scope: z.literal('all'), ...common }),
    z.strictObject({ scope: z.literal('account'), account, ...common }),
    z.strictObject({ scope: z.literal('corridor'), account, corridor, ...common }),
  ],
  { error: 'must be "all", "account" or "corridor"' },
);

const time = z.iso.datetime();
const pauseSchema = z
  .strictObject({
    id: z.uuid(),
    scope: z.enum(['all', 'account', 'corridor']),
    account: z.string().nullable(),
    corridor: z.string().nullable(),
    reason: z.string(),
    createdBy: z.string(),
    createdAt: time,
    until: time.nullable().describe('When it ends automatically; null: only when it is lifted.'),
    liftedAt: time.nullable(),
    liftedBy: z.string().nullable(),
  })
  .meta({ id: 'Pause' });

interface PausesOptions {
  ledger: Ledger;
  epochWitness: EpochWitness;
  accounts: ReadonlyMap<string, KpayAccount>;
}

export function showPauses({ ledger }: PausesOptions): Operation {
  return describeOperation({
    name: 'listPauses',
    method: 'get',
    path: '/pauses',
    scope: 'read',
    summary: 'List the pauses in force in the accounts that your key reaches.',
    answer: { status: 200, schema: pageOf(pauseSchema) },
    async handle({ caller }) {
      const pauses = (await listPauses(ledger)).filter(({ account }) => account === null || reaches(caller, account));
      return { body: { items: pauses.map(presentPause), nextCursor: null } };
    },
  });
}

export function createPause({ ledger, epochWitness, accounts }: PausesOptions): Operation {
  return describeOperation({
    name: 'createPause',
    method: 'post',
    path: '/pauses',
    scope: 'control',
    summary: 'Pause the sends of everything, an account or a corridor. Nothing new is sent there from the answer on.',
    body: bodySchema,
    example: (account) => ({ scope: 'corridor', account, corridor: 'CMR-GAB', reason: 'the operator is closed' }),
    unrepeatable: true,
    answer: { status: 201, schema: pauseSchema, location: true },
    async handle({ body: { reason, until: end, ...scope }, caller }) {
      if (scope.scope !== 'all') requireAccount(accounts, caller, scope.account, 'in the body');
      else requireAllAccounts(caller);
      const ends = end === undefined ? null : new Date(end);
      const made = await pause(ledger, scope, { by: caller.owner, reason, until: ends }, epochWitness);
      return { body: presentPause(made), headers: { location: `/v1/pauses/${made.id}` } };
    },
  });
}

export function endPause({ ledger, epochWitness }: PausesOptions): Operation {
  return describeOperation({
    name: 'endPause',
    method: 'delete',
    path: '/pauses/{id}',
    scope: 'control',
    summary: 'End a pause and wake the transfers that it held.',
    answer: { status: 200, schema: pauseSchema },
    async handle({ id, caller }) {
      const { id: found } = await requirePause(ledger, caller, id);
      const lifted = await liftPause(ledger, found, caller.owner, epochWitness);
      if (!lifted) throw new Problem('not_found', 'There is no pause with this id in force.');
      return { body: presentPause(lifted) };
    },
  });
}

function presentPause(row: PauseRow): z.infer<typeof pauseSchema> {
  return {
    id: row.id,
    scope: row.scope,
    account: row.account,
    corridor: row.corridor,
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    until: row.until === null ? null : row.until.toISOString(),
    liftedAt: row.lifted_at === null ? null : row.lifted_at.toISOString(),
    liftedBy: row.lifted_by,
  };
}
