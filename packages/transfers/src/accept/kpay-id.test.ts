import { describe, expect, it } from 'vitest';
import { kpayExternalId } from './kpay-id.ts';

describe('the id KPay sees', () => {
  it('never changes: the same identity gives the same UUIDv5 in every release', () => {
    expect(kpayExternalId('default', { kind: 'external_id', externalId: 'order-1' })).toBe(
      '39ea746a-b192-55db-9053-839c00f7c5c0',
    );
    expect(kpayExternalId('default', { kind: 'idempotency_key', owner: 'admin', idempotencyKey: 'key-1' })).toBe(
      '4bd5a636-7b2a-5bb1-aff1-b1fea61102e5',
    );
  });

  it('is a version 5 UUID', () => {
    expect(kpayExternalId('a', { kind: 'external_id', externalId: 'b' })).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('keeps identities apart whose parts run together', () => {
    const ids = [
      kpayExternalId('ab', { kind: 'external_id', externalId: 'c' }),
      kpayExternalId('a', { kind: 'external_id', externalId: 'bc' }),
      kpayExternalId('a', { kind: 'idempotency_key', owner: 'b', idempotencyKey: 'c' }),
      kpayExternalId('a', { kind: 'idempotency_key', owner: 'bc', idempotencyKey: '' }),
      kpayExternalId('a', { kind: 'idempotency_key', owner: '', idempotencyKey: 'bc' }),
      kpayExternalId('a', { kind: 'external_id', externalId: '1:b1:c' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
