/* The lines of a batch as the API parses and checks them, for programs that check a file before they send it. */
import { InvalidRequest, parseTransferRequest, type TransferRequest } from '@kpay/transfers/request';
import { parseBody } from '../../http/parse-body.ts';
import type { Line } from '../../http/read-line.ts';
import { batchLineSchema } from './transfer-order.ts';

export {
  type CsvRow,
  columnsOf,
  csvOptions,
  type Line,
  MAX_LINE,
  problemOfCsv,
  readCsvRow,
  readJsonLine,
  TOO_LONG,
} from '../../http/read-line.ts';
export { MAX_LINES_BYTES } from '../../problems/body-bounds.ts';
export { Problem } from '../../problems/problem.ts';

/** The order of a line; or the field that is wrong (`body` for the whole line) and what would be right. */
export type CheckedLine =
  | { kind: 'order'; account: string; idempotencyKey: string | undefined; request: TransferRequest }
  | { kind: 'refused'; field: string; problem: string };

/** Checks a line as the API does before it reads the ledger. A line that is refused here can never be accepted. */
export function checkLine(line: Line): CheckedLine {
  if (line.kind === 'unreadable') return { kind: 'refused', field: 'body', problem: line.problem };
  try {
    const { account, idempotencyKey, ...body } = parseBody(batchLineSchema, line.value);
    return { kind: 'order', account, idempotencyKey, request: parseTransferRequest(body) };
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    return { kind: 'refused', field: error.field, problem: error.message.slice(error.field.length + 2) };
  }
}
