import { hash } from 'node:crypto';

// Fixed for ever: another namespace would give every transfer another id at KPay, and the last lock would be gone.
const NAMESPACE = Buffer.from('6f1d2f0e3b5c4a7d9e8247c1a05bd3f6', 'hex');

export type TransferIdentity =
  | { kind: 'external_id'; externalId: string }
  | { kind: 'idempotency_key'; owner: string; idempotencyKey: string };

/**
 * The `externalId` that KPay sees for a transfer: a UUIDv5 (RFC 9562) of the account and of the identity its
 * caller gave, computable again without the ledger. Each part is preceded by its length, so that no two
 * different identities can run together into the same text.
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
