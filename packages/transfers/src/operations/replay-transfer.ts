import { formatAmount } from '@kpay/core';
import type { Ledger, TransferRow } from '@kpay/ledger';
import { type Acceptance, acceptTransfer, type TransferOrder } from '../accept/accept.ts';
import type { AccountRules } from '../checks/account-rules.ts';
import { AlreadyReplayed } from '../errors.ts';
import { findTransfer } from '../queries/find-transfers.ts';
import { isFinal, moneyMoved } from '../states/states.ts';

export type Replay =
  | { kind: 'accepted'; acceptance: Acceptance }
  | { kind: 'not_replayable'; transfer: TransferRow }
  /** `why` names the replay that is under way or has moved money. */
  | { kind: 'already_replayed'; why: string };

/**
 * Replays a transfer that ended without moving money: accepts a new transfer with a new identity, linked to the old
 * one. The caller gives the identity, so that asking twice makes only one.
 *
 * @returns `not_replayable` while money moved or may have moved; `already_replayed` while another replay is live, and
 *   for ever after one that succeeded; undefined when there is no such transfer.
 * @throws InvalidRequest, IdempotencyConflict, SpendLimitExceeded as acceptTransfer does.
 */
export async function replayTransfer(
  ledger: Ledger,
  accounts: ReadonlySet<string>,
  id: string,
  identity: Pick<TransferOrder, 'owner' | 'idempotencyKey' | 'apiKey' | 'ownOnly'> & { externalId?: string },
  rules?: ReadonlyMap<string, AccountRules>,
): Promise<Replay | undefined> {
  const transfer = await findTransfer(ledger, id);
  if (!transfer) return undefined;
  // A final state never changes. But a receipt can still arrive, and then the money has moved.
  if (!isFinal(transfer.state) || moneyMoved(transfer.state, transfer.kpay_transfer_id) !== 'no')
    return { kind: 'not_replayable', transfer };
  const now = await ledger.transaction((tx) => Promise.resolve(tx.now));
  const accepting = acceptTransfer(
    ledger,
    accounts,
    {
      account: transfer.account,
      owner: identity.owner,
      ...(identity.idempotencyKey !== undefined && { idempotencyKey: identity.idempotencyKey }),
      body: { ...requestOf(transfer, now), ...(identity.externalId !== undefined && { externalId: identity.externalId }) },
      ...(identity.apiKey && { apiKey: identity.apiKey }),
      ...(identity.ownOnly && { ownOnly: true }),
      replayOf: transfer.id,
    },
    rules,
  );
  return accepting.then(
    (acceptance) => ({ kind: 'accepted', acceptance }) as const,
    (error: unknown) => {
      if (error instanceof AlreadyReplayed) return { kind: 'already_replayed', why: error.message } as const;
      throw error;
    },
  );
}

/** The request that made a transfer, without those of its times that have passed. */
function requestOf(row: TransferRow, now: Date) {
  return {
    sourceCountry: row.source_country,
    destinationCountry: row.destination_country,
    amount: formatAmount({ amountMinor: BigInt(row.amount_minor), currency: row.currency }),
    onInsufficientFunds: row.on_insufficient_funds,
    priority: row.priority,
    ...(row.description !== null && { description: row.description }),
    ...(row.min_rate !== null && { minRate: row.min_rate }),
    ...(row.metadata !== null && { metadata: row.metadata }),
    ...(row.not_before !== null && row.not_before > now && { notBefore: row.not_before.toISOString() }),
    ...(row.expires_at !== null && row.expires_at > now && { expiresAt: row.expires_at.toISOString() }),
  };
}
