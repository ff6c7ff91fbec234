import type { KpayAccount } from '@kpay/core';
import { acceptTransfer, type Ledger, type TransferOrder, type TransferRow, transferViewSchema } from '@kpay/transfers';
import { type CheckResult, type DryRun, dryRunTransfer } from '@kpay/transfers/operations';
import type { Plugin } from '@kpay/transfers/plugin';
import type { AccountRules } from '@kpay/transfers/worker';
import { z } from 'zod';
import { requireScope } from '../../auth/authenticate.ts';
import type { Caller } from '../../auth/caller.ts';
import { presentFor, requireAccount } from '../../auth/rights.ts';
import { type Call, describeOperation, type Operation, type Reply } from '../../http/operation.ts';
import { booleanParameter } from '../../http/parse-query.ts';
import { orderExample, orderOf, orderSchema } from './transfer-order.ts';
import { replyWithNew } from './transfer-reply.ts';

export interface CreateTransferOptions {
  ledger: Ledger;
  accounts: ReadonlyMap<string, KpayAccount>;
  rules?: ReadonlyMap<string, AccountRules>;
  plugins?: readonly Plugin[];
  /** Notifies the workers of an accepted transfer; it never throws. */
  notifyWorkers(transfer: TransferRow): void;
}

const querySchema = z.strictObject({
  dryRun: booleanParameter()
    .optional()
    .describe('Deprecated: use POST /v1/transfers/dry-run. `true` gives the same answer, with 200.')
    .meta({ deprecated: true }),
});

const checkResultSchema = z.strictObject({
  check: z.string(),
  verdict: z.enum(['pass', 'hold', 'reject']),
  reasonCode: z.string().nullable(),
  reason: z.string().nullable(),
  until: z.iso.datetime().nullable().describe('When the transfer would be checked again at the latest.'),
  inputs: z.record(z.string(), z.unknown()).nullable().describe('The data behind the decision, and its age.'),
});
const dryRunSchema = z
  .strictObject({
    outcome: z
      .enum(['known', 'would_send', 'would_hold', 'would_fail'])
      .describe('`known`: the same order was accepted before, and the answer would be that transfer.'),
    reasonCode: z.string().nullable(),
    reason: z.string().nullable().describe('The reason of the first check that does not pass, which decides.'),
    checks: z.array(checkResultSchema).describe('All checks, in the order in which they run.'),
    transfer: transferViewSchema.nullable().describe('The transfer that was accepted before.'),
  })
  .meta({ id: 'DryRun' });

/** Creates a transfer. The answer means that the transfer is in the ledger; it is sent later. */
export function createTransfer(options: CreateTransferOptions): Operation {
  const { ledger, accounts, rules, notifyWorkers } = options;
  const names = new Set(accounts.keys());
  return describeOperation({
    name: 'createTransfer',
    method: 'post',
    path: '/transfers',
    scope: 'transfers:create',
    summary:
      'Make a transfer. 202 means that it is in the ledger and will be sent once, whatever happens. It needs an externalId or an Idempotency-Key. The same request again returns the same transfer.',
    query: querySchema,
    body: orderSchema,
    idempotent: true,
    answer: { status: 202, schema: transferViewSchema, location: true, versioned: true },
    example: (account) => ({ ...orderExample(account), externalId: 'first-transfer' }),
    problems: ['idempotency_required', 'idempotency_conflict', 'spend_limit_exceeded'],
    async handle(call) {
      const order = orderOf(call.body, call.caller, call.idempotencyKey);
      if (call.query.dryRun === true) return dryRun(order, options, call);
      requireAccount(accounts, call.caller, order.account, 'in the body');
      const { transfer, replayed } = await acceptTransfer(ledger, names, order, rules);
      if (!replayed) notifyWorkers(transfer);
      return replyWithNew(transfer, replayed, call.caller);
    },
  });
}

/** Predicts what would become of a transfer now. */
export function tryTransfer(options: CreateTransferOptions): Operation {
  return describeOperation({
    name: 'tryTransfer',
    method: 'post',
    path: '/transfers/dry-run',
    scope: 'transfers:create',
    summary:
      'Predict what would become of a transfer now, with the real acceptance and checks. Nothing is written or sent. It also needs the scope read.',
    body: orderSchema,
    idempotent: true,
    answer: { status: 200, schema: dryRunSchema },
    example: (account) => ({ ...orderExample(account), externalId: 'first-transfer' }),
    problems: ['idempotency_required', 'idempotency_conflict', 'spend_limit_exceeded'],
    handle: (call) => dryRun(orderOf(call.body, call.caller, call.idempotencyKey), options, call),
  });
}

// Some of the checks ask KPay. A person waits less long than the worker.
const PATIENCE_MS = 10_000;

async function dryRun(
  order: TransferOrder,
  { ledger, accounts, rules, plugins = [] }: CreateTransferOptions,
  { caller, signal }: Pick<Call<unknown, unknown>, 'caller' | 'signal'>,
): Promise<Reply> {
  // The answer quotes balances, and repeated dry runs would reveal them bit by bit.
  requireScope(caller, 'read');
  const account = requireAccount(accounts, caller, order.account, 'in the body');
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const result = await dryRunTransfer(order, { ledger, account, rules, plugins, signal: patience });
  return { status: 200, body: presentDryRun(result, caller) };
}

function presentDryRun(result: DryRun, caller: Caller): z.infer<typeof dryRunSchema> {
  if (result.kind === 'known') {
    return { outcome: 'known', reasonCode: null, reason: null, checks: [], transfer: presentFor(caller, result.transfer) };
  }
  const checks = result.checks.map(presentCheckResult);
  const decides = checks.find(({ verdict }) => verdict !== 'pass');
  return {
    outcome: result.kind,
    reasonCode: decides?.reasonCode ?? null,
    reason: decides?.reason ?? null,
    checks,
    transfer: null,
  };
}

function presentCheckResult(result: CheckResult): z.infer<typeof checkResultSchema> {
  const { name, verdict, inputs = null } = result;
  const why = verdict === 'pass' ? { reasonCode: null, reason: null } : { reasonCode: result.code, reason: result.reason };
  return { check: name, verdict, ...why, until: verdict === 'hold' ? result.until.toISOString() : null, inputs };
}
