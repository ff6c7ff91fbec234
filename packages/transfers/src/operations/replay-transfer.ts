import { formatAmount } from '@kpay/core';
import { type Acceptance, acceptTransfer } from '../accept.ts';
import type { AccountRules } from '../account-rules.ts';
import { findTransfer } from '../find-transfers.ts';
import type { LimitedKey } from '../key-limit.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { TransferRow } from '../ledger/schema.ts';
import { isFinal, moneyMoved } from '../states.ts';

export type Replay = { outcome: 'accepted'; acceptance: Acceptance } | { outcome: 'not_replayable'; transfer: TransferRow };

/**
 * Makes a transfer again that ended without moving money: a new transfer with a new identity, linked to the old one.
 * The caller gives the identity, so that asking twice makes one.
 *
 * @returns `not_replayable` while money moved or may have; undefined when there is no such transfer.
 * @throws InvalidRequest, IdempotencyConflict, SpendLimitExceeded as acceptTransfer does.
 */
export async function replayTransfer(
  ledger: Ledger,
  accounts: ReadonlySet<string>,
  id: string,
  identity: { owner: string; externalId?: string; idempotencyKey?: string; apiKey?: LimitedKey },
  rules?: ReadonlyMap<string, AccountRules>,
): Promise<Replay | undefined> {
  const transfer = await findTransfer(ledger, id);
  if (!transfer) return undefined;
  // A final state is never left; a receipt can still come, and then the money has moved.
  if (!isFinal(transfer.state) || moneyMoved(transfer.state, transfer.kpay_transfer_id) !== 'no')
    return { outcome: 'not_replayable', transfer };
  const acceptance = await acceptTransfer(
    ledger,
    accounts,
    {
      account: transfer.account,
      owner: identity.owner,
      ...(identity.idempotencyKey !== undefined && { idempotencyKey: identity.idempotencyKey }),
      body: { ...wishOf(transfer), ...(identity.externalId !== undefined && { externalId: identity.externalId }) },
      ...(identity.apiKey && { apiKey: identity.apiKey }),
      replayOf: transfer.id,
    },
    rules,
  );
  return { outcome: 'accepted', acceptance };
}

/** The wish of a transfer, without its times: those have passed. */
function wishOf(row: TransferRow) {
  return {
    sourceCountry: row.source_country,
    destinationCountry: row.destination_country,
    amount: formatAmount({ amountMinor: BigInt(row.amount_minor), currency: row.currency }),
    onInsufficientFunds: row.on_insufficient_funds,
    priority: row.priority,
    ...(row.description !== null && { description: row.description }),
    ...(row.min_rate !== null && { minRate: row.min_rate }),
    ...(row.metadata !== null && { metadata: row.metadata }),
  };
}
