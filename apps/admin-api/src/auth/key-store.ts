import { timingSafeEqual } from 'node:crypto';
import { type ApiKeyRow, batchTurn } from '@kpay/ledger';
import { InvalidRequest, KeyEnded, type KeyLimit, type Ledger, type LedgerTransaction } from '@kpay/transfers';
import { type FoundApiKey, findApiKeys, lineOfKey, lockKeys, recordDecision, revokeKeys } from '@kpay/transfers/operations';
import type { EpochWitness } from '@kpay/transfers/worker';
import { Problem } from '../problems/problem.ts';
import { createKeyHasher, idOfApiKey, makeApiKey } from './api-key.ts';
import { ANYBODY, type Bounds, isMakerFor, keyWithin, type WantedKey } from './bounds.ts';
import type { Caller } from './caller.ts';
import { reaches } from './rights.ts';
import { scopes } from './scopes.ts';

/**
 * The keys of the admin API, in the ledger. A caller sees and revokes the keys of its own owner, and of owners for
 * which it may make keys, unless they reach an account that the caller does not reach.
 */
export interface KeyStore {
  /**
   * @returns the key itself as well; it is never shown again.
   * @throws Problem (403) when the key exceeds its maker's bounds. KeyEnded when the maker was revoked or has expired.
   */
  create(wanted: WantedKey, maker: Caller): Promise<{ key: string; row: ApiKeyRow }>;
  list(caller: Caller): Promise<ApiKeyRow[]>;
  /**
   * Revokes a key and all keys below it, `others`; they are refused from its return on. Undefined when the caller has
   * no such key, or it was revoked before.
   */
  revoke(id: string, caller: Caller): Promise<{ row: ApiKeyRow; others: string[] } | undefined>;
  /** The row of a key in any state. Undefined when no such key was ever made. */
  find(key: string): Promise<FoundApiKey | undefined>;
  /** The same, by the key's id. */
  read(id: string): Promise<FoundApiKey | undefined>;
}

export interface KeyStoreOptions {
  /** See createKeyHasher. */
  secret: string;
  /** Its epoch grows when a key is made or revoked. So a restore that brings a revoked key back is noticed. */
  epochWitness: EpochWitness;
  /** The rate limit of a key that has none of its own. */
  usualRequestsPerMinute: number;
  /** The longest life of a key that was made with a token of the issuer, in days. Default: until the token ends. */
  tokenKeyDays?: number | undefined;
}

// At most one write in this time for each key: a write for each use would be a write for each request.
const LAST_USE_EVERY_MS = 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** The longest chain of keys that made each other. Each use of the last key reads the whole chain. */
const MAX_LINE = 10;

export function createKeyStore(ledger: Ledger, options: KeyStoreOptions): KeyStore {
  const { epochWitness } = options;
  const hash = createKeyHasher(options.secret);
  // Batched, because every request waits for this read.
  const rowOf = batchTurn((ids: string[]) => findApiKeys(ledger, ids));
  // No request waits for this write. If it fails, the key's next use writes again.
  const writeUse = (id: string, now: Date) => {
    const stale = new Date(now.getTime() - LAST_USE_EVERY_MS);
    void ledger.db
      .updateTable('kpay.api_keys')
      .set({ last_used_at: now })
      .where('id', '=', id)
      // Only one of several simultaneous requests writes.
      .where((key) => key.or([key('last_used_at', 'is', null), key('last_used_at', '<', stale)]))
      .execute()
      .catch(() => undefined);
  };
  return {
    create(wanted, maker) {
      const { id, key } = makeApiKey();
      return recordDecision(ledger, epochWitness, async (tx) => {
        const { db, now } = tx;
        const made = keyWithin(wanted, await boundsOf(tx, maker, options));
        if (made.expiresAt !== null && made.expiresAt <= now) throw new InvalidRequest('expiresAt', 'must be in the future');
        const row = await db
          .insertInto('kpay.api_keys')
          .values({
            id,
            hash: hash(key).toString('hex'),
            name: made.name,
            owner: made.owner,
            scopes: [...made.scopes],
            accounts: made.accounts && [...made.accounts],
            may_make_for: made.mayMakeFor && [...made.mayMakeFor],
            address_ranges: made.addressRanges && [...made.addressRanges],
            spend_limits:
              made.spendLimits &&
              JSON.stringify(made.spendLimits.map((limit) => ({ ...limit, amountMinor: String(limit.amountMinor) }))),
            requests_per_minute: made.requestsPerMinute,
            created_by: nameOf(maker),
            created_at: now,
            expires_at: made.expiresAt,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        return { key, row };
      });
    },
    async list(caller) {
      const rows = await ledger.db.selectFrom('kpay.api_keys').selectAll().orderBy('created_at', 'desc').orderBy('id').execute();
      const self = await rowOfCaller(ledger.db, caller);
      return rows.filter((row) => isTheirs(row, caller, self));
    },
    revoke: (id, caller) =>
      recordDecision(ledger, epochWitness, async (tx) => {
        const self = await rowOfCaller(tx.db, caller);
        return revokeKeys(tx, id, nameOf(caller), (row) => isTheirs(row, caller, self));
      }),
    read: rowOf,
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

/**
 * The maker's name in `created_by` and `revoked_by`: the key's id, else the owner, which is `admin` or an issuer's
 * subject.
 */
function nameOf({ apiKey, owner }: Caller): string {
  return apiKey?.id ?? owner;
}

async function rowOfCaller(db: LedgerTransaction['db'] | Ledger['db'], { apiKey }: Caller): Promise<ApiKeyRow | undefined> {
  return apiKey && db.selectFrom('kpay.api_keys').selectAll().where('id', '=', apiKey.id).executeTakeFirst();
}

/** The owners for which the caller makes keys, from the row of its own key. */
function ownersOf({ owner, apiKey, tokenEndsAt }: Caller, self: ApiKeyRow | undefined): Pick<Bounds, 'owner' | 'mayMakeFor'> {
  const isRoot = !apiKey && !tokenEndsAt;
  return { owner, mayMakeFor: isRoot ? [ANYBODY] : (self?.may_make_for ?? null) };
}

/** Whether the caller sees a key and may revoke it. @param self the row of the caller's own key. */
function isTheirs({ owner, accounts }: ApiKeyRow, caller: Caller, self: ApiKeyRow | undefined): boolean {
  const isWithin = caller.accounts === null || (accounts?.every((account) => reaches(caller, account)) ?? false);
  return isWithin && isMakerFor(ownersOf(caller, self), owner);
}

/**
 * The caller's bounds. Its key and the keys above it are locked, so that none of them ends before the new key is
 * recorded.
 */
async function boundsOf(
  tx: LedgerTransaction,
  caller: Caller,
  { usualRequestsPerMinute, tokenKeyDays = 0 }: KeyStoreOptions,
): Promise<Bounds> {
  const { owner, apiKey, tokenEndsAt } = caller;
  const none = { addressRanges: null, spendLimits: null, requestsPerMinute: null };
  if (!apiKey) {
    const latest = tokenEndsAt && new Date(Math.max(tokenEndsAt.getTime(), tx.now.getTime() + tokenKeyDays * DAY_MS));
    return {
      ...none,
      ...ownersOf(caller, undefined),
      scopes: [...caller.scopes],
      accounts: caller.accounts,
      expiresAt: latest ?? null,
      // A caller that may do everything can give any rate limit.
      usualRequestsPerMinute: latest ? usualRequestsPerMinute : Number.POSITIVE_INFINITY,
    };
  }
  const line = await lineOfKey(tx, apiKey.id);
  if (line.length >= MAX_LINE) {
    const detail = `${MAX_LINE} keys were already made one by the other: your own key may make none.`;
    throw new Problem('forbidden', detail, { denial: 'bound' });
  }
  await lockKeys(
    tx,
    line.map(({ id }) => id),
  );
  const row = await rowOfCaller(tx.db, caller);
  if (!row) throw new KeyEnded('revoked');
  return {
    owner,
    mayMakeFor: row.may_make_for,
    scopes: scopes.filter((scope) => row.scopes.includes(scope)),
    accounts: row.accounts,
    addressRanges: row.address_ranges,
    spendLimits: row.spend_limits && limitsOfKey(row),
    requestsPerMinute: row.requests_per_minute,
    usualRequestsPerMinute,
    expiresAt: row.expires_at,
  };
}

/** The spend limits of a key as amounts. */
export function limitsOfKey({ spend_limits: limits }: Pick<ApiKeyRow, 'spend_limits'>): KeyLimit[] {
  return (limits ?? []).map((limit) => ({ ...limit, amountMinor: BigInt(limit.amountMinor) }));
}
