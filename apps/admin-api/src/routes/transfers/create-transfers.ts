import {
  acceptAllOrNone,
  acceptBatch,
  type BatchOrder,
  type BatchResult,
  InvalidRequest,
  type Refusal,
  transferViewSchema,
} from '@kpay/transfers';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { presentFor, reachable } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { parseBody } from '../../http/parse-body.ts';
import { parseLines } from '../../http/parse-lines.ts';
import { booleanParameter } from '../../http/parse-query.ts';
import type { Line } from '../../http/read-line.ts';
import { Problem, problemSchema } from '../../problems/problem.ts';
import { problemOf } from '../../problems/problem-of.ts';
import type { CreateTransferOptions } from './create-transfer.ts';
import { batchLineSchema, orderOf } from './transfer-order.ts';

const MAX_LINES = 1_000;

const querySchema = z.strictObject({
  atomic: booleanParameter().optional().describe('true: either all lines are accepted, or none.'),
});
const resultSchema = z.strictObject({
  line: z.int().describe('The number of the line, as in an editor; the first is 1.'),
  outcome: z.enum(['accepted', 'replayed', 'refused']),
  transfer: transferViewSchema.nullable(),
  problem: problemSchema.nullable(),
});
const answerSchema = z
  .strictObject({ accepted: z.int(), replayed: z.int(), refused: z.int(), results: z.array(resultSchema) })
  .meta({ id: 'BatchResult' });

/** Creates a batch of transfers. Each line is accepted like a single transfer. */
export function createTransfers({ ledger, accounts, rules, notifyWorkers }: CreateTransferOptions): Operation {
  return describeOperation({
    name: 'createTransfers',
    method: 'post',
    path: '/transfers/batch',
    scope: 'transfers:create',
    summary:
      'Make up to 1,000 transfers, one a line, as NDJSON or CSV. Each line has its own externalId or idempotencyKey and is accepted whole or not at all, so read the result of each. The same batch again returns the same transfers.',
    query: querySchema,
    lines: { types: ['application/x-ndjson', 'text/csv'], line: batchLineSchema },
    answer: { status: 200, schema: answerSchema },
    problems: ['batch_refused'],
    async handle({ query: { atomic }, text, caller }) {
      const names = new Set(reachable(caller, accounts).keys());
      const lines = parseLines(text, MAX_LINES);
      const orders = lines.map((line) => parseOrder(line, caller));
      const { recorded, results } =
        atomic === true
          ? await acceptAllOrNone(ledger, names, orders, rules)
          : { recorded: true, results: await acceptBatch(ledger, names, orders, rules) };
      if (!recorded) throw refusalOf(lines, results);
      for (const result of results) if (result.kind === 'accepted' && !result.replayed) notifyWorkers(result.transfer);
      const views = results.map((result, index) => ({ line: lines[index]?.line ?? 0, ...presentResult(result, caller) }));
      const count = (outcome: string) => views.filter((result) => result.outcome === outcome).length;
      return {
        body: { accepted: count('accepted'), replayed: count('replayed'), refused: count('refused'), results: views },
      };
    },
  });
}

function parseOrder(line: Line, caller: Caller): BatchOrder {
  try {
    if (line.kind === 'unreadable') throw new InvalidRequest('body', line.problem);
    const { idempotencyKey, ...order } = parseBody(batchLineSchema, line.value);
    return { kind: 'order', order: orderOf(order, caller, idempotencyKey) };
  } catch (error) {
    if (error instanceof InvalidRequest) return { kind: 'refused', refused: error };
    throw error;
  }
}

function presentResult(result: BatchResult, caller: Caller): Omit<z.infer<typeof resultSchema>, 'line'> {
  if (result.kind === 'refused') return { outcome: 'refused', transfer: null, problem: problemOfRefusal(result).body() };
  return { outcome: result.replayed ? 'replayed' : 'accepted', transfer: presentFor(caller, result.transfer), problem: null };
}

function problemOfRefusal({ refused }: Refusal): Problem {
  return problemOf(refused, { writes: false, repeatable: true });
}

function refusalOf(lines: readonly Line[], results: readonly BatchResult[]): Problem {
  const refused = results.flatMap((result, index) => {
    if (result.kind !== 'refused') return [];
    const { code, detail, pointer } = problemOfRefusal(result).body();
    return [{ line: lines[index]?.line ?? 0, code, detail, ...(pointer !== undefined && { pointer }) }];
  });
  const [first] = refused;
  const detail = `Nothing was made: ${refused.length} of ${lines.length} lines are refused, first line ${first?.line} (${first?.detail})`;
  return new Problem('batch_refused', detail, { pointer: '', lines: refused });
}
