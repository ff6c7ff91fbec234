import { readFileSync } from 'node:fs';

/** The folder to which the paths in `file` are relative. */
export const ROOT: URL = new URL('../../../../', import.meta.url);

/**
 * Each law with its check taken out. `find` must occur in `file` exactly once. A mutation with several places is one
 * that a second guard would otherwise catch.
 */
export interface Mutation {
  law: string;
  what: string;
  /** The scenario whose runs are tried first. */
  scenario?: string;
  edits: readonly { file: string; find: string; replace: string }[];
  /** A test to run against it when no run is known to break. It injects the fault at the place itself. */
  test?: { file: string; name: string };
  /** Why no simulated run can show it, and what does. */
  elsewhere?: string;
}

export function nameOf({ law, what }: Mutation): string {
  return `law ${law}: ${what}`;
}

/** The text of a file with a mutation applied. @throws when the text to change does not occur exactly once. */
export function mutated({ what, edits }: Mutation, url: string, text: string): string {
  let changed = text;
  for (const { file, find, replace } of edits) {
    if (new URL(file, ROOT).href !== url) continue;
    const found = changed.split(find).length - 1;
    if (found !== 1) throw new Error(`"${what}" does not apply: ${file} has ${found} of\n${find}`);
    changed = changed.replace(find, () => replace);
  }
  return changed;
}

/** @throws when a mutation does not fit the present code. */
export function assertApplies(mutation: Mutation): void {
  for (const file of new Set(mutation.edits.map((edit) => edit.file))) {
    const url = new URL(file, ROOT);
    mutated(mutation, url.href, readFileSync(url, 'utf8'));
  }
}

const client = 'packages/core/src/client/client.ts';
const outcomes = 'packages/core/src/client/outcomes.ts';
const budgetStore = 'packages/core/src/stores/budget-store.ts';
const advance = 'packages/transfers/src/send/advance.ts';
const accept = 'packages/transfers/src/accept/accept.ts';
const begin = 'packages/transfers/src/send/begin.ts';
const settle = 'packages/transfers/src/send/settle.ts';
const outcome = 'packages/transfers/src/send/outcome.ts';
const transition = 'packages/transfers/src/states/transition.ts';
const schema = 'packages/ledger/src/migrations/0001-ledger.ts';
const funds = 'packages/transfers/src/checks/funds.ts';
const spending = 'packages/transfers/src/checks/spend-limit.ts';
const epoch = 'packages/transfers/src/restore/ledger-epoch.ts';
const finishRestore = 'packages/transfers/src/restore/finish-restore.ts';

const outages = 'outages';
const wrongSettings = 'wrong settings';
const pauses = 'pauses';
const late = 'answers that come after the lease';
const running = 'calls that run on while others are answered 409';
const refusals = 'refusals';
const limit = 'the limit';
const restores = 'restores';
const spendLimits = 'spend limits';

const leases = 'Math.min(leaseExpiresAtMs, slot.leaseExpiresAtMs) >= nowMs + timeoutMs';
const refusedAfterUnknown = `      return review(
        'refused_after_unknown',`;

export const mutations: readonly Mutation[] = [
  {
    law: '1',
    what: "the attempt's lease is not looked at before the write",
    edits: [{ file: client, find: leases, replace: 'slot.leaseExpiresAtMs >= nowMs + timeoutMs' }],
  },
  {
    law: '1',
    what: "the slot's lease is not looked at before the write",
    edits: [{ file: client, find: leases, replace: 'leaseExpiresAtMs >= nowMs + timeoutMs' }],
  },
  {
    law: '1',
    what: 'an outcome is committed whatever its attempt number',
    scenario: late,
    edits: [
      {
        file: settle,
        find: 'row.lease_until !== null && row.attempts === number',
        replace: 'row.lease_until !== null',
      },
    ],
  },
  {
    law: '1',
    what: 'an attempt is given up before its lease ends',
    edits: [
      {
        file: advance,
        find: 'row.due_at > now) return undefined;',
        replace: 'row.due_at.getTime() - 30_000 > now.getTime()) return undefined;',
      },
      { file: advance, find: 'if (row.lease_until !== null && row.lease_until > tx.now) return undefined;', replace: '' },
      {
        file: advance,
        find: 'if (lease_until !== null) return lease_until <= now;',
        replace: 'if (lease_until !== null) return true;',
      },
    ],
  },
  {
    law: '2',
    what: 'an expired lease counts as not sent',
    scenario: late,
    edits: [
      {
        file: settle,
        find: "{ kind: 'unknown', detail: 'lease_expired' }",
        replace: "{ kind: 'not_sent', detail: 'lease_expired' }",
      },
    ],
  },
  {
    law: '2',
    what: 'each attempt has a body of its own',
    edits: [
      { file: begin, find: 'row.send_body ?? bodyOf(row, pin)', replace: "bodyOf(row, pin) + ' '.repeat(row.attempts)" },
      {
        file: begin,
        find: 'body: row.send_body, inputs',
        replace: "body: row.send_body + ' ', inputs",
      },
      { file: begin, find: '      send_body: body,\n', replace: '      send_body: row.send_body ?? body,\n' },
    ],
  },
  {
    law: '3',
    what: 'a refusal after an unknown outcome means failed, and no constraint stands against it',
    scenario: refusals,
    edits: [
      { file: outcome, find: refusedAfterUnknown, replace: `      return failedMutant(` },
      {
        file: outcome,
        find: 'function keptReason(',
        replace: `function failedMutant(reasonCode: string, reason: string, set: TransferChanges): Outcome {
  return { to: 'failed', type: 'refused', reasonCode, reason, set };
}

function keptReason(`,
      },
      {
        file: schema,
        find: "      check (not possibly_sent or state in ('unconfirmed', 'succeeded', 'review') or resolved_by is not null),\n",
        replace: '',
      },
      {
        file: schema,
        find: "('unconfirmed', 'succeeded'), ('unconfirmed', 'review'),",
        replace: "('unconfirmed', 'succeeded'), ('unconfirmed', 'review'), ('unconfirmed', 'failed'),",
      },
    ],
  },
  {
    law: '3',
    what: 'the same, with the constraint in its place',
    scenario: refusals,
    edits: [
      { file: outcome, find: refusedAfterUnknown, replace: `      return failedMutant(` },
      {
        file: outcome,
        find: 'function keptReason(',
        replace: `function failedMutant(reasonCode: string, reason: string, set: TransferChanges): Outcome {
  return { to: 'failed', type: 'refused', reasonCode, reason, set };
}

function keptReason(`,
      },
      {
        file: schema,
        find: "('unconfirmed', 'succeeded'), ('unconfirmed', 'review'),",
        replace: "('unconfirmed', 'succeeded'), ('unconfirmed', 'review'), ('unconfirmed', 'failed'),",
      },
    ],
  },
  {
    law: '4',
    what: 'a lost answer counts as not sent',
    scenario: refusals,
    test: {
      file: 'packages/transfers/src/send/answers.test.ts',
      name: 'unconfirmed, then sent again under the same id: one effect',
    },
    edits: [
      {
        file: outcomes,
        find: "if (exchange.kind === 'unsent') return failureOfRead",
        replace: "if (exchange.kind !== 'answered') return failureOfRead",
      },
    ],
  },
  {
    law: '4',
    what: 'a 5xx counts as a refusal',
    edits: [
      {
        file: outcomes,
        find: 'if (REFUSALS_OF_A_TRANSFER.includes(status) && isEnvelope(status, text))',
        replace: 'if (REFUSALS_OF_A_TRANSFER.includes(status) || status >= 500)',
      },
    ],
  },
  {
    law: '4',
    what: 'the answer to another request counts as ours',
    edits: [
      {
        file: client,
        find: "if (receipt.externalId !== null && typeof externalId === 'string' && receipt.externalId !== externalId) {",
        replace: 'if (externalId === null) {',
      },
    ],
    test: {
      file: 'packages/core/src/client/transfer-outcome.test.ts',
      name: 'that is a 201 about another externalId is no answer to this transfer',
    },
  },
  {
    law: '4',
    what: 'a 201 that says it is no success counts as one',
    edits: [
      {
        file: client,
        find: 'if (receipt.notCompleted !== null) throw notCompleted(receipt.notCompleted, receipt.id, context);',
        replace: '',
      },
    ],
    test: {
      file: 'packages/core/src/client/transfer-outcome.test.ts',
      name: 'that is a 201 with a leg that is no success is no success',
    },
  },
  {
    law: '4',
    what: "a refusal that is not KPay's own is believed",
    edits: [
      {
        file: outcomes,
        find: 'if (REFUSALS_OF_A_TRANSFER.includes(status) && isEnvelope(status, text))',
        replace: 'if (REFUSALS_OF_A_TRANSFER.includes(status))',
      },
    ],
  },
  {
    law: '4',
    what: 'a 201 without an id is sent again although it says FAILED',
    edits: [
      {
        file: 'packages/core/src/client/transfer-receipt.ts',
        find: "if (id === '' && notCompleted === null)",
        replace: "if (id === '')",
      },
    ],
    test: { file: 'packages/core/src/client/transfer-outcome.test.ts', name: 'that is a 201 without an id is no success either' },
  },
  {
    law: '4',
    what: 'a 201 that comes after a person has decided is dropped',
    edits: [
      {
        file: settle,
        find: 'if (!isFinal(row.state)) return undefined;',
        replace: 'return undefined;',
      },
    ],
    test: { file: 'packages/transfers/src/send/answers.test.ts', name: 'a 201 that comes after a person said' },
  },
  {
    law: '4',
    what: 'text is stored as it comes',
    edits: [
      {
        file: 'packages/core/src/client/redact.ts',
        find: "return text.toWellFormed().replace(CONTROL_CHARACTERS, '\\uFFFD');",
        replace: 'return text;',
      },
    ],
    test: { file: 'packages/core/src/client/transfer-outcome.test.ts', name: 'carries no text that a store refuses' },
  },
  {
    law: '4',
    what: 'a 201 that cannot be read counts as a refusal',
    edits: [
      {
        file: outcomes,
        find: `return new OutcomeUnknownError('the transfer was sent: its 201 cannot be read', {
    reason: 'unreadable',
    status: 201,
    requestId,`,
        replace: `return new RejectedError('the transfer was sent: its 201 cannot be read', {
    status: 400,
    requestId,`,
      },
      {
        file: outcomes,
        find: 'OutcomeContext): OutcomeUnknownError {\n  const detail = detailOf(text',
        replace: 'OutcomeContext): RejectedError {\n  const detail = detailOf(text',
      },
    ],
  },
  {
    law: '4',
    what: 'after a 429 nobody waits but the one who got it',
    scenario: 'too many requests',
    edits: [{ file: 'packages/core/src/budget.ts', find: 'block(waitMs).catch(() => {});', replace: '' }],
  },
  {
    law: '5',
    what: 'a conflict on the first send is a success',
    scenario: refusals,
    edits: [
      {
        file: outcome,
        find: `      return {
        to: 'review',
        type: 'collision',`,
        replace: `      return {
        to: 'succeeded',
        set: { confirmed_by: 'conflict' },
        type: 'collision',`,
      },
    ],
  },
  {
    law: '5',
    what: 'a conflict confirms although KPay refused the id before',
    scenario: refusals,
    edits: [{ file: outcome, find: '  if (row.refused_before) {', replace: '  if (row.refused_before && row.tries < 0) {' }],
  },
  {
    law: '5',
    what: 'a refusal that comes late is not kept for the conflict rule',
    scenario: late,
    edits: [{ file: settle, find: '.set({ refused_before: true })', replace: '.set({ refused_before: false })' }],
  },
  {
    law: '5',
    what: 'one conflict is enough',
    scenario: running,
    edits: [
      { file: outcome, find: '  if (first === null) {', replace: '  if (first === null && row.tries < 0) {' },
      {
        file: outcome,
        find: 'const confirmsAt = later(first, context.conflictConfirmMs);',
        replace: 'const confirmsAt = later(first ?? context.now, 0);',
      },
      { file: outcome, find: 'firstConflictAt: first.toISOString()', replace: 'firstConflictAt: String(first)' },
    ],
  },
  {
    law: '5',
    what: 'two conflicts confirm at any distance, and the second is not waited for',
    scenario: running,
    edits: [
      { file: outcome, find: 'if (context.now < confirmsAt)', replace: 'if (context.now < confirmsAt && row.tries < 0)' },
      {
        file: outcome,
        find: 'const due = later(context.now, context.conflictConfirmMs);',
        replace: 'const due = later(context.now, 5_000);',
      },
    ],
  },
  {
    law: '5',
    what: 'an attempt without an answer between two conflicts is passed over',
    scenario: running,
    test: { file: 'packages/transfers/src/send/answers.test.ts', name: '409, then no answer, then 409' },
    edits: [{ file: outcome, find: 'first_conflict_at: null,', replace: '' }],
  },
  {
    law: '6',
    what: 'first sends go through an open breaker',
    scenario: outages,
    test: { file: 'packages/transfers/src/send/breaker.test.ts', name: 'an hour of 503' },
    edits: [
      {
        file: begin,
        find: '  if (await isBreakerOpen(tx.db, row.account, account.unknown_streak, tx.now)) return stoppedBy(breakerHold(tx.now));\n',
        replace: '',
      },
    ],
  },
  {
    law: '6',
    what: 'all re-sends probe an open breaker at once',
    scenario: outages,
    test: {
      file: 'packages/transfers/src/send/breaker.test.ts',
      name: 'a re-send once answered with 409 waits for the probe under way',
    },
    edits: [
      {
        file: begin,
        find: 'account.unknown_streak >= BREAKER_AFTER && (await isProbed',
        replace: 'account.unknown_streak < 0 && (await isProbed',
      },
    ],
  },
  {
    law: '6',
    what: 'unknown outcomes are not counted',
    scenario: outages,
    test: { file: 'packages/transfers/src/send/breaker.test.ts', name: 'an hour of 503' },
    edits: [
      {
        file: 'packages/transfers/src/send/breaker.ts',
        find: "  if (answer.kind === 'unknown') {",
        replace: "  if (answer.kind === 'unknown') return;\n  if (answer.kind === 'unknown') {",
      },
    ],
  },
  {
    law: '7',
    what: 'the pin is not compared',
    scenario: wrongSettings,
    edits: [
      {
        file: 'packages/transfers/src/accounts/pin.ts',
        find: 'if (differences.length > 0) {',
        replace: 'if (differences.length > 9) {',
      },
    ],
  },
  {
    law: '7',
    what: 'the pin is not compared, at the start nor in the transaction nor with the body that was sent',
    scenario: wrongSettings,
    edits: [
      {
        file: 'packages/transfers/src/accounts/pin.ts',
        find: 'if (differences.length > 0) {',
        replace: 'if (differences.length > 9) {',
      },
      { file: begin, find: '  assertSamePin(row, pin);\n', replace: '' },
    ],
  },
  {
    law: '8',
    what: 'a first send does not look for pauses in its transaction',
    edits: [
      {
        file: begin,
        find: `  if (pause) return stoppedBy({ verdict: 'hold', ...pauseHold(pause, tx.now) });
  if (await isBreakerOpen(`,
        replace: `  if (pause && row.version < 0) return stoppedBy({ verdict: 'hold', ...pauseHold(pause, tx.now) });
  if (await isBreakerOpen(`,
      },
    ],
  },
  {
    law: '8',
    what: 'a re-send does not look for pauses',
    edits: [
      {
        file: begin,
        find: `  if (pause) return stoppedBy({ verdict: 'hold', ...pauseHold(pause, tx.now) });
  if (account.unknown_streak`,
        replace: `  if (pause && row.version < 0) return stoppedBy({ verdict: 'hold', ...pauseHold(pause, tx.now) });
  if (account.unknown_streak`,
      },
    ],
  },
  {
    law: '8',
    what: 'a pause of a corridor is not seen',
    scenario: pauses,
    edits: [
      {
        file: 'packages/transfers/src/holds/pauses.ts',
        find: `p.corridor = \${transfer.source_country} ||`,
        replace: `p.corridor = lower(\${transfer.source_country}) ||`,
      },
    ],
  },
  {
    law: '10',
    what: 'moves do not compare the version',
    edits: [
      {
        file: transition,
        find: `        and version = \${row.version}\n        and state = \${row.state}\n`,
        replace: '',
      },
    ],
  },
  {
    law: '10',
    what: 'moves do not compare the version, and no trigger stands against it',
    edits: [
      {
        file: transition,
        find: `        and version = \${row.version}\n        and state = \${row.state}\n`,
        replace: '',
      },
      {
        file: schema,
        find: 'create trigger guard_transfer before update on kpay.transfers for each row execute function kpay.guard_transfer()',
        replace: 'select 1',
      },
      { file: schema, find: '      unique (transfer_id, version)\n', replace: '      check (version > 0)\n' },
      { file: schema, find: '      primary key (transfer_id, number)\n', replace: '      check (number > 0)\n' },
    ],
  },
  {
    law: '10',
    what: "the wallet's row is not locked while funds are judged",
    edits: [{ file: begin, find: 'for share of a for update of w', replace: 'for share of a' }],
    elsewhere: 'one session: seen on Postgres by account-rules.test.ts, "is never passed by several workers at once"',
  },
  {
    law: '10',
    what: 'a cancel does not lock the row that it looks at',
    edits: [
      {
        file: 'packages/transfers/src/operations/cancel-transfer.ts',
        find: '.forUpdate().executeTakeFirst()',
        replace: '.executeTakeFirst()',
      },
    ],
    elsewhere: 'one session; and the comparison of versions stands behind it: only the answer could be wrong',
  },
  {
    law: 'funds',
    what: 'funds are not judged again in the submitting transaction',
    edits: [
      {
        file: begin,
        find: "if (funds.verdict !== 'pass') return stoppedBy(funds);",
        replace: "if (funds.verdict === 'reject') return stoppedBy(funds);",
      },
    ],
  },
  {
    law: 'funds',
    what: 'a balance of any age will do',
    scenario: 'money that others take',
    edits: [
      {
        file: begin,
        find: "  if (!isStillGood(dated, tx.now.getTime())) return { kind: 'stale' };\n",
        replace: '',
      },
    ],
  },
  {
    law: 'funds',
    what: 'what is in review is not reserved',
    edits: [
      {
        file: funds,
        find: "state in ('submitting', 'unconfirmed', 'review'))",
        replace: "state in ('submitting', 'unconfirmed'))",
      },
    ],
  },
  {
    law: 'funds',
    what: 'what succeeded since the balance was asked for is not reserved',
    edits: [
      {
        file: funds,
        find: "state = 'succeeded' and finished_at >",
        replace: "state = 'succeeded' and finished_at - interval '1 day' >",
      },
    ],
  },
  {
    law: 'budget',
    what: 'a slot counts from when it was taken, not from the answer',
    scenario: limit,
    edits: [
      {
        file: budgetStore,
        find: 'const untilMs = clock.monotonicMs() + rules.windowMs;',
        replace: 'const untilMs = slot.countsUntilMs - rules.leaseMs - ROUNDING_MS;',
      },
    ],
  },
  {
    law: 'budget',
    what: 'a slot that was never settled is free after a minute',
    scenario: limit,
    test: {
      file: 'packages/core/src/budget.test.ts',
      name: 'of a process that died counts until its lease and a window are over',
    },
    edits: [
      {
        file: budgetStore,
        find: 'countsUntilMs: nowMs + rules.leaseMs + rules.windowMs + ROUNDING_MS });',
        replace: 'countsUntilMs: nowMs + rules.windowMs });',
      },
    ],
  },
  {
    law: 'budget',
    what: 'one slot more than the limit is given',
    scenario: limit,
    edits: [
      { file: budgetStore, find: 'if (inUse >= limit) return false;', replace: 'if (inUse > limit) return false;' },
      { file: budgetStore, find: 'return inUse + keptForOthers < limit;', replace: 'return inUse + keptForOthers <= limit;' },
    ],
  },
  {
    law: 'budget',
    what: 'a read takes no slot',
    scenario: limit,
    edits: [
      {
        file: client,
        find: `    const slot = await takeSlot(options);
    const request = {
      method: endpoint.method,`,
        replace: `    const unlimited = { leaseExpiresAtMs: 0, sentAs() {}, answered() {}, rateLimited: () => 1_000, unanswered() {}, unsent() {} };
    const slot = endpoint.name === 'balance' ? unlimited : await takeSlot(options);
    const request = {
      method: endpoint.method,`,
      },
    ],
  },
  {
    law: '9',
    what: 'nobody compares the epoch of the ledger with what was seen',
    scenario: restores,
    edits: [
      { file: epoch, find: "      .where('epoch', '>=', seen)\n", replace: '' },
      { file: epoch, find: ' && row.epoch >= seen', replace: '' },
      { file: epoch, find: 'if (row.epoch < seen) await markRestored(ledger, seen);\n    else ', replace: '' },
    ],
  },
  {
    law: '9',
    what: 'a process that starts does not look at the epoch witness',
    scenario: restores,
    edits: [{ file: epoch, find: 'Math.max(known, witnessed?.epoch ?? 0)', replace: 'known' }],
  },
  {
    law: '9',
    what: 'a send that is being committed does not look at the epoch',
    scenario: restores,
    edits: [
      {
        file: epoch,
        find: 'return refusal === undefined && row.id === ledgerId && row.epoch >= seen && row.restored_at === null;',
        replace: 'return seen >= 0 && row.id === ledgerId;',
      },
    ],
  },
  {
    law: '9',
    what: 'a finished restore leaves what was unfinished as it is',
    scenario: restores,
    edits: [
      {
        file: finishRestore,
        find: "where state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed')",
        replace: "where state in ('awaiting_approval')",
      },
    ],
  },
  {
    law: '9',
    what: 'a conflict proves something after a restore',
    scenario: restores,
    test: {
      file: 'packages/transfers/src/restore/restore.test.ts',
      name: 'send_again takes only what the ledger knows as sent',
    },
    edits: [{ file: finishRestore, find: 'possibly_sent = true, refused_before = true,', replace: 'possibly_sent = true,' }],
  },
  {
    law: 'limits',
    what: 'spend limits are not judged again in the submitting transaction',
    scenario: spendLimits,
    edits: [
      {
        file: begin,
        find: "if (spending.verdict !== 'pass') return stoppedBy(spending);",
        replace: "if (spending.verdict === 'reject') return stoppedBy(spending);",
      },
    ],
  },
  {
    law: 'limits',
    what: 'what is under way or unconfirmed does not count for a spend limit',
    scenario: spendLimits,
    edits: [
      {
        file: spending,
        find: "and state in ('submitting', 'unconfirmed')`;",
        replace: "and state in ('submitting') and false`;",
      },
    ],
  },
  {
    law: 'limits',
    what: 'what is unconfirmed counts for a spend limit from its latest send only',
    scenario: spendLimits,
    test: {
      file: 'packages/transfers/src/checks/account-rules.test.ts',
      name: 'counts what will be sent again by itself, however long ago it was sent',
    },
    edits: [
      {
        file: spending,
        find: "and state in ('submitting', 'unconfirmed')`;",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
        replace: "and state in ('submitting', 'unconfirmed') and sent_at > ${since}`;",
      },
    ],
  },
  {
    law: 'rates',
    what: 'the rate of another pair is believed',
    edits: [
      {
        file: 'packages/core/src/client/endpoints.ts',
        find: "if (from !== asked.from || to !== asked.to) throw new Error('it is the rate of another pair');",
        replace: '',
      },
    ],
    test: { file: 'packages/core/src/client/client.test.ts', name: 'is unreadable for who asked from XAF to XOF' },
  },
  {
    law: 'rates',
    what: 'what checks said before a wait for a slot still counts after it',
    edits: [
      {
        file: advance,
        find: 'if (clock.monotonicMs() - checkedFromMs > VERDICTS_VALID_MS) {',
        replace: 'if (clock.monotonicMs() < checkedFromMs) {',
      },
    ],
    test: {
      file: 'packages/transfers/src/send/answers.test.ts',
      name: 'asks a check again before the send when its truth changed',
    },
  },
  {
    law: 'funds',
    what: 'a currency with an odd row is what its other rows add up to',
    edits: [
      { file: 'packages/core/src/client/endpoints.ts', find: '.filter(({ currency }) => !odd.has(currency))', replace: '' },
    ],
    test: { file: 'packages/core/src/client/client.test.ts', name: 'its currency is unknown, and the rest stands' },
  },
  {
    law: 'funds',
    what: 'an answer that is compressed is read as it comes',
    edits: [
      {
        file: 'packages/core/src/client/decode-body.ts',
        find: 'bytes = decode(bytes, { maxOutputLength: maxBytes });',
        replace: '',
      },
    ],
    test: { file: 'packages/core/src/client/client.test.ts', name: 'an answer is decoded' },
  },
  {
    law: 'clocks',
    what: 'what lies in the future is believed',
    edits: [
      {
        file: 'packages/core/src/time/still-good.ts',
        find: 'return ageMs >= -DATES_DIFFER_MS && ageMs <= forMs;',
        replace: 'return ageMs <= forMs;',
      },
    ],
    test: { file: 'packages/core/src/observations.test.ts', name: 'in the future since the clock was set back is read again' },
  },
  {
    law: '9',
    what: 'what people decide does not grow the ledger',
    scenario: restores,
    edits: [
      {
        file: 'packages/transfers/src/restore/record-decision.ts',
        find: 'return { result, grown: await growEpoch(tx, witnessed) };',
        replace: 'return { result, grown: undefined };',
      },
      {
        file: 'packages/transfers/src/restore/in-verified-ledger.ts',
        find: 'return { result, grown: await growEpoch(tx, witnessed) };',
        replace: 'return { result, grown: undefined };',
      },
    ],
  },
  {
    law: 'replays',
    what: 'several people may make a transfer again in one moment',
    edits: [
      { file: accept, find: 'if (order.replayOf !== undefined) await refuseSecondReplay(tx, order.replayOf);', replace: '' },
      {
        file: 'packages/ledger/src/migrations/0014-one-replay.ts',
        find: 'where replay_of is not null and state not in',
        replace: 'where false and replay_of is not null and state not in',
      },
    ],
  },
  {
    law: 'keys',
    what: 'a key that was revoked while its order was on the way still orders',
    edits: [
      {
        file: 'packages/transfers/src/keys/key-tree.ts',
        find: "if (rows.length < asked || rows.some((key) => key.revoked_at !== null)) throw new KeyEnded('revoked');",
        replace: '',
      },
      { file: accept, find: 'select k.revoked_at is null and (', replace: 'select (' },
    ],
  },
  {
    law: '2',
    what: 'an answer that the ledger refuses to write at first is dropped',
    edits: [
      {
        file: advance,
        find: 'if (leaseIsOver && (!endsDoubt || signal.aborted || !isLedgerAway(error))) throw error;',
        replace: 'throw error;',
      },
    ],
    test: {
      file: 'packages/transfers/src/send/answers.test.ts',
      name: 'while it is away: written down when it is back, however late',
    },
  },
  {
    law: 'funds',
    what: 'what waits behind a wallet that KPay refuses asks by itself',
    edits: [
      { file: advance, find: 'if (refusal?.isClosed) return refusalHold(refusal, row, now);', replace: '' },
      { file: begin, find: 'if (refusal?.isClosed) return stoppedBy(refusalHold(refusal, row, tx.now));', replace: '' },
    ],
    test: { file: 'packages/transfers/src/holds/refusals.test.ts', name: '600 doomed orders delay nobody' },
  },
];
