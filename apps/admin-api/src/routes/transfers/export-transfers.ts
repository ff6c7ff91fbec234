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
/** How often a long export checks whether its key is still valid. */
const CHECK_EVERY_MS = 5_000;
const BYTE_ORDER_MARK = '\ufeff';
const columns = Object.keys(transferViewSchema.shape);
const querySchema = z.strictObject({
  ...filterParameters,
  bom: booleanParameter()
    .optional()
    .describe('true: the file begins with a byte order mark, which tells Excel that it is UTF-8.'),
});

export function exportTransfers({ ledger }: { ledger: Ledger }): Operation {
  const take = createPlaces({ of: 'exports', most: MAX_EXPORTS, mostByCaller: MAX_BY_CALLER, retryAfterSeconds: 10 });
  return describeOperation({
    name: 'exportTransfers',
    method: 'get',
    path: '/transfers.csv',
    scope: 'read',
    summary:
      'Export all transfers that match a filter, the newest first, as CSV for spreadsheets. An apostrophe precedes each character that could begin a formula in any locale, so such texts are not exact; GET /v1/transfers in JSON is. If the export fails, the connection is cut, and the file is not complete.',
    query: querySchema,
    answer: { status: 200, schema: z.string(), type: 'text/csv' },
    problems: ['too_much_at_once'],
    async handle({ query: { bom, ...query }, caller, signal, isStillAllowed }) {
      take(caller, signal);
      const filter = { ...filterOf(query), ...within(caller) };
      const mark = bom === true ? BYTE_ORDER_MARK : '';
      const headers = { 'content-disposition': 'attachment; filename="transfers.csv"' };
      return { kind: 'stream', chunks: await begun(linesOf(ledger, filter, mark, isStillAllowed)), headers };
    },
  });
}

/** Reads a page when the one before it has been sent. So memory holds one page, however many there are. */
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

/** Reads the first page before the answer begins, so that an outage of the ledger still gets an error status. */
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
    // A line feed also begins a row for spreadsheets, and a semicolon begins a cell where the comma is the decimal
    // sign.
    quoted_match: /[\r\n;\t]/,
    cast: { string: withoutFormulas, object: (labels) => withoutFormulas(JSON.stringify(labels)) },
  });
}
