import { hash } from 'node:crypto';

// Never change this. Another namespace would give every transfer another id at KPay, and KPay would no longer recognise
// a repeated send.
const NAMESPACE = Buffer.from('6f1d2f0e3b5c4a7d9e8247c1a05bd3f6', 'hex');

export type TransferIdentity =
  | { kind: 'external_id'; externalId: string }
  | { kind: 'idempotency_key'; owner: string; idempotencyKey: string };

/**
 * Computes the `externalId` that KPay sees for a transfer: a UUIDv5 (RFC 9562) of the account and the caller's identity
 * for it. It can be computed again without the ledger. Each part is preceded by its length, so two different identities
 * can never give the same text.
 */
export function kpayExternalId(account: string, identity: TransferIdentity): string {
  const parts =
    identity.kind === 'external_id'
      ? ['external', account, identity.externalId]
      : ['key', account, identity.owner, identity.idempotencyKey];
  const name = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('');
  const id = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(name)]), 'buffer').subarray(0, 16);
  id.writeUInt8((id.readUInt8(6) & 0x0f) | 0x50, 6);
  id.writeUInt8((id.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = id.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
