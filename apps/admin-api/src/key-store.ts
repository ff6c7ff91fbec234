import { timingSafeEqual } from 'node:crypto';
import { type ApiKeyRow, decide, type EpochCopy, findApiKeys, InvalidRequest, type KeyLimit, type Ledger } from '@kpay/transfers';
import { createKeyHasher, idOfApiKey, makeApiKey } from './api-key.ts';
import { batchCalls } from './batch-calls.ts';
import type { Scope } from './scopes.ts';

export interface NewKey {
  name: string;
  owner: string;
  scopes: readonly Scope[];
  addressRanges: readonly string[] | null;
  spendLimits: readonly KeyLimit[] | null;
  /** What the setting says, unless given. */
  requestsPerMinute: number | null;
  expiresAt: Date | null;
}

/** The keys of the admin API, in the ledger. */
export interface KeyStore {
  /** @returns the key itself too: this is the only time that it is known. */
  create(wanted: NewKey, by: string): Promise<{ key: string; row: ApiKeyRow }>;
  list(): Promise<ApiKeyRow[]>;
  /** From its return on the key is refused. Undefined when there is no such key, or it was revoked before. */
  revoke(id: string, by: string): Promise<ApiKeyRow | undefined>;
  /** The row of a key that somebody has, whatever its state; undefined when nobody ever had it. */
  find(key: string): Promise<{ row: ApiKeyRow; now: Date } | undefined>;
}

// Writing down each use would be a write for each request.
const LAST_USE_EVERY_MS = 60_000;

/**
 * @param secret see createKeyHasher.
 * @param epochCopy grows with each key that is made or revoked: a restore must not bring a revoked key back unnoticed.
 */
export function createKeyStore(ledger: Ledger, secret: string, epochCopy: EpochCopy): KeyStore {
  const hash = createKeyHasher(secret);
  // Every request waits for it.
  const rowOf = batchCalls((ids: string[]) => findApiKeys(ledger, ids));
  // Nobody waits for it, and one that fails is made up for by the next use.
  const writeUse = (id: string, now: Date) => {
    const stale = new Date(now.getTime() - LAST_USE_EVERY_MS);
    void ledger.db
      .updateTable('kpay.api_keys')
      .set({ last_used_at: now })
      .where('id', '=', id)
      // Of requests that come together one writes.
      .where((key) => key.or([key('last_used_at', 'is', null), key('last_used_at', '<', stale)]))
      .execute()
      .catch(() => undefined);
  };
  return {
    create({ name, owner, scopes, addressRanges, spendLimits, requestsPerMinute, expiresAt }, by) {
      const { id, key } = makeApiKey();
      return decide(ledger, epochCopy, async ({ db, now }) => {
        if (expiresAt !== null && expiresAt <= now) throw new InvalidRequest('expiresAt', 'must be in the future');
        const row = await db
          .insertInto('kpay.api_keys')
          .values({
            id,
            hash: hash(key).toString('hex'),
            name,
            owner,
            scopes: [...scopes],
            address_ranges: addressRanges && [...addressRanges],
            spend_limits:
              spendLimits && JSON.stringify(spendLimits.map((limit) => ({ ...limit, amountMinor: String(limit.amountMinor) }))),
            requests_per_minute: requestsPerMinute,
            created_by: by,
            created_at: now,
            expires_at: expiresAt,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        return { key, row };
      });
    },
    list: () => ledger.db.selectFrom('kpay.api_keys').selectAll().orderBy('created_at', 'desc').orderBy('id').execute(),
    revoke: (id, by) =>
      decide(ledger, epochCopy, ({ db, now }) =>
        db
          .updateTable('kpay.api_keys')
          .set({ revoked_at: now, revoked_by: by })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .returningAll()
          .executeTakeFirst(),
      ),
    async find(key) {
      const id = idOfApiKey(key);
      if (id === undefined) return undefined;
      const found = await rowOf(id);
      if (!found || !timingSafeEqual(Buffer.from(found.row.hash, 'hex'), hash(key))) return undefined;
      const { row, now } = found;
      if (row.last_used_at === null || now.getTime() - row.last_used_at.getTime() > LAST_USE_EVERY_MS) writeUse(id, now);
      return found;
    },
  };
}

/** The limits of a key, as amounts. */
export function limitsOfKey({ spend_limits: limits }: ApiKeyRow): KeyLimit[] {
  return (limits ?? []).map((limit) => ({ ...limit, amountMinor: BigInt(limit.amountMinor) }));
}
