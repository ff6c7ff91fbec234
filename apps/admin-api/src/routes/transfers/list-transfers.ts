import { type Ledger, presentTransfer, listTransfers as readTransfers, transferViewSchema } from '@kpay/transfers';
import { z } from 'zod';
import { within } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { pageOf } from '../../http/page.ts';
import { integerParameter } from '../../http/parse-query.ts';
import { readCursor, writeCursor } from './page-cursor.ts';
import { filterOf, filterParameters } from './transfer-filter.ts';

const querySchema = z.strictObject({
  ...filterParameters,
  limit: integerParameter(1, 200).default(50),
  cursor: z.string().max(300, 'must be a nextCursor of this list').optional(),
});

export function listTransfers({ ledger }: { ledger: Ledger }): Operation {
  return describeOperation({
    name: 'listTransfers',
    method: 'get',
    path: '/transfers',
    scope: 'read',
    summary: 'List transfers, the newest first, a page at a time.',
    query: querySchema,
    answer: { status: 200, schema: pageOf(transferViewSchema) },
    async handle({ query: { limit, cursor, ...chosen }, caller }) {
      const filter = filterOf(chosen);
      const after = cursor === undefined ? {} : { after: readCursor(cursor, filter) };
      // Reads one more than requested, to know whether there is a next page.
      const rows = await readTransfers(ledger, { ...filter, ...within(caller) }, { limit: limit + 1, ...after });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const more = rows.length > limit && last !== undefined;
      const nextCursor = more ? writeCursor({ createdAt: last.created_at, id: last.id }, filter) : null;
      return { body: { items: page.map(presentTransfer), nextCursor } };
    },
  });
}
