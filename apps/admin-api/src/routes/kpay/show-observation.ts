import type { KpayAccount } from '@kpay/core';
import { z } from 'zod';
import { requireAccount } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { accountParameter } from '../../http/parse-query.ts';
import { type ObservationRead, observationOf, replyWithObservation } from './observation-reply.ts';
import type { OwnKeys } from './own-keys.ts';

const querySchema = z.strictObject({ account: accountParameter });

export interface ShownObservation<T> extends Pick<ObservationRead<T>, 'what' | 'present'> {
  name: string;
  path: string;
  summary: string;
  /** The schema of one item of the answer. */
  item: z.ZodType;
  observe(account: KpayAccount): Pick<ObservationRead<T>, 'read' | 'peek'>;
}

/** The operation that shows one observation of an account. */
export function showObservation<T>(
  { name, path, summary, item, what, present, observe }: ShownObservation<T>,
  { accounts, own }: { accounts: ReadonlyMap<string, KpayAccount>; own: OwnKeys },
): Operation {
  return describeOperation({
    name,
    method: 'get',
    path,
    scope: 'read',
    summary,
    query: querySchema,
    answer: { status: 200, schema: observationOf(item) },
    problems: ['kpay_unavailable'],
    async handle({ query, caller }) {
      const account = requireAccount(accounts, caller, query.account, 'in the query');
      return replyWithObservation({ account, own, what, present, ...observe(account) });
    },
  });
}
