import {
  type Ledger,
  listTransfers,
  presentTransfer,
  type TransferFilter,
  type TransferPosition,
  transferViewSchema,
} from '@kpay/transfers';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { within } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { booleanParameter } from '../../http/parse-query.ts';
import { createPlaces } from '../../http/places.ts';
import { withoutFormulas } from './spreadsheet-text.ts';
import { filterOf, filterParameters } from './transfer-filter.ts';

const ROWS_AT_ONCE = 500;
const MAX_EXPORTS = 10;
const MAX_BY_CALLER = 4;
/** How often a long one looks whether its key is still good. */
const CHECK_EVERY_MS = 5_000;
const BYTE_ORDER_MARK = '\ufeff';
const columns = Object.keys(transferViewSchema.shape);
const querySchema = z.strictObject({
  ...filterParameters,
  bom: booleanParameter()
    .optional()
    .describe('true: a byte order mark comes first, by which Excel knows that the file is UTF-8.'),
});

export function exportTransfers({ ledger }: { ledger: Ledger }): Operation {
  const take = createPlaces({ of: 'exports', most: MAX_EXPORTS, mostByCaller: MAX_BY_CALLER, retryAfterSeconds: 10 });
  return describeOperation({
    name: 'exportTransfers',
    method: 'get',
    path: '/transfers.csv',
    scope: 'read',
    summary:
      'All transfers that a filter chooses, the newest first, as CSV. For spreadsheets: an apostrophe stands before each character of a text that could begin a formula in any locale, so that those texts are not exact; GET /v1/transfers in JSON is. A file that breaks off is not whole: the connection ends without its end.',
    query: querySchema,
    answer: { status: 200, schema: z.string(), type: 'text/csv' },
    problems: ['too_much_at_once'],
    async handle({ query: { bom, ...query }, caller, signal, isStillAllowed }) {
      take(caller, signal);
      const filter = { ...filterOf(query), ...within(caller) };
      const mark = bom === true ? BYTE_ORDER_MARK : '';
      const headers = { 'content-disposition': 'attachment; filename="transfers.csv"' };
      return { chunks: await begun(linesOf(ledger, filter, mark, isStillAllowed)), headers };
    },
  });
}

/** A page is read when the one before it is on its way: memory holds one, however many there are. */
async function* linesOf(
  ledger: Ledger,
  filter: TransferFilter,
  mark: string,
  isStillAllowed: () => Promise<boolean>,
): AsyncGenerator<string> {
  let checkedMs = performance.now();
  let after: TransferPosition | undefined;
  let head = mark + csvOf([columns]);
  do {
    const rows = await listTransfers(ledger, filter, { limit: ROWS_AT_ONCE, ...(after && { after }) });
    const records = rows.map((row) => {
      const view: Record<string, unknown> = presentTransfer(row);
      return columns.map((column) => view[column]);
    });
    yield head + csvOf(records);
    head = '';
    if (performance.now() - checkedMs >= CHECK_EVERY_MS) {
      checkedMs = performance.now();
      if (!(await isStillAllowed())) throw new Error('the key of an export was revoked, or has expired');
    }
    const last = rows.at(-1);
    after = rows.length === ROWS_AT_ONCE && last ? { createdAt: last.created_at, id: last.id } : undefined;
  } while (after);
}

/** The first page is read before anything is answered, so that a ledger that is away is still told by a status. */
async function begun(lines: AsyncGenerator<string>): Promise<AsyncIterable<string>> {
  const first = await lines.next();
  return (async function* () {
    if (!first.done) yield first.value;
    yield* lines;
  })();
}

function csvOf(records: unknown[][]): string {
  return stringify(records, {
    record_delimiter: '\r\n',
    // A bare line feed begins a row for spreadsheets too, and a semicolon a cell where the comma is the decimal sign.
    quoted_match: /[\r\n;\t]/,
    cast: { string: withoutFormulas, object: (labels) => withoutFormulas(JSON.stringify(labels)) },
  });
}
