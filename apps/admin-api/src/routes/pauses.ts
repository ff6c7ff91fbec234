import type { KpayAccount } from '@kpay/core';
import { InvalidRequest, type Ledger, liftPause, listPauses, type PauseRow, pause } from '@kpay/transfers';
import { z } from 'zod';
import type { Operation } from '../operation.ts';
import { parseBody, reasonSchema } from '../parse-body.ts';
import { Problem } from '../problem.ts';

const until = z.iso.datetime({ offset: true, error: 'must be an ISO 8601 time with a zone' }).optional();
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

interface PausesOptions {
  ledger: Ledger;
  accounts: ReadonlyMap<string, KpayAccount>;
}

/** GET /pauses: those in force. */
export function showPauses({ ledger }: PausesOptions): Operation {
  return {
    method: 'get',
    path: '/pauses',
    handle: async () => ({ status: 200, body: { items: (await listPauses(ledger)).map(presentPause), nextCursor: null } }),
  };
}

/** POST /pauses: from the answer on nothing new is sent there. */
export function createPause({ ledger, accounts }: PausesOptions): Operation {
  return {
    method: 'post',
    path: '/pauses',
    async handle(request, { owner }) {
      const { reason, until: end, ...scope } = parseBody(bodySchema, request.body);
      if ('account' in scope && !accounts.has(scope.account)) {
        throw new InvalidRequest('account', `there is no such account; known: ${[...accounts.keys()].join(', ')}`);
      }
      const made = await pause(ledger, scope, { by: owner, reason, until: end === undefined ? null : new Date(end) });
      return { status: 201, body: presentPause(made), headers: { location: `/v1/pauses/${made.id}` } };
    },
  };
}

/** DELETE /pauses/{id}: ends it and wakes what it held. */
export function endPause({ ledger }: PausesOptions): Operation {
  return {
    method: 'delete',
    path: '/pauses/:id',
    async handle(request, { owner }) {
      const id = z.uuid().safeParse(request.params.id);
      const lifted = id.success ? await liftPause(ledger, id.data, owner) : undefined;
      if (!lifted) throw new Problem('not_found', 'There is no pause with this id in force.');
      return { status: 200, body: presentPause(lifted) };
    },
  };
}

function presentPause(row: PauseRow) {
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
