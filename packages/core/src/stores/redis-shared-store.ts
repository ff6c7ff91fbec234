import type { Clock } from '../time/clock.ts';
import { LUA_IN_FUTURE } from '../time/still-good.ts';
import { endOfTurn } from './end-of-turn.ts';
import { createScript, LUA_NOW, type RedisClient } from './redis-script.ts';
import type { Seal } from './seal.ts';
import { rankOf, type SharedEntry, type SharedStore } from './shared-store.ts';

// An entry is a hash of its text, its two dates by Redis' clock, and the seal on all of them; the lock beside it names its
// holder.

/** KEYS: entry. */
const read = createScript(`${LUA_NOW}
return { now, 0, redis.call('HMGET', KEYS[1], 'text', 'askedAtMs', 'answeredAtMs', 'seal') }
`);

/** KEYS: entry, lock. ARGV: holder, forMs, the lane's rank. A lock is "<rank>|<holder>", without a rank in an earlier version. */
const lock = createScript(`${LUA_NOW}
-- Redis keeps the moment at which a key ends: with its clock set back a dead holder's lock would last for longer.
if redis.call('PTTL', KEYS[2]) > tonumber(ARGV[2]) then redis.call('DEL', KEYS[2]) end
local known = redis.call('GET', KEYS[2])
local rank = known and (tonumber(string.match(known, '^(%d)|') or '') or 0)
local locked = not known or tonumber(ARGV[3]) < rank
if locked then redis.call('SET', KEYS[2], ARGV[3] .. '|' .. ARGV[1], 'PX', ARGV[2]) end
return { now, locked and 1 or 0, redis.call('HMGET', KEYS[1], 'text', 'askedAtMs', 'answeredAtMs', 'seal') }
`);

/** KEYS: entry. ARGV: text, askedAtMs, answeredAtMs, keepMs, seal. */
const write = createScript(`${LUA_NOW}${LUA_IN_FUTURE}
local known = tonumber(redis.call('HGET', KEYS[1], 'askedAtMs') or '')
if known and known > tonumber(ARGV[2]) and not inFuture(known) then return end
redis.call('HSET', KEYS[1], 'text', ARGV[1], 'askedAtMs', ARGV[2], 'answeredAtMs', ARGV[3], 'seal', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
`);

/** KEYS: lock. ARGV: holder. */
const unlock = createScript(`
local known = redis.call('GET', KEYS[1])
if known and string.gsub(known, '^%d|', '') == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/** KEYS: entry. ARGV: text. */
const forget = createScript(`
if redis.call('HGET', KEYS[1], 'text') == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/**
 * A store for all processes that use this Redis. Dates lie there by Redis' clock and are translated to the clock of
 * whoever reads them, so that machines whose clocks differ agree on what is fresh. Tokens lie there in plain text: who
 * can read this Redis can move money with them until they end.
 *
 * What is not sealed as ours, for this store, this key and these dates, is not there: a rate or a balance that somebody
 * else wrote decides about money otherwise. Without a `seal` everything is believed.
 */
export function createRedisSharedStore({
  redis,
  key: store,
  clock,
  seal,
}: {
  redis: RedisClient;
  key: string;
  clock: Clock;
  seal?: Seal | undefined;
}): SharedStore {
  // One for each store, not for each client: in a cluster another store may lie on a machine with another clock.
  const aheadMs = createOffset();
  const entryKey = (key: string): string => `{kpay-shared-${store}}:entry:${key}`;
  const lockKey = (key: string): string => `{kpay-shared-${store}}:lock:${key}`;

  async function ask(key: string, asking: () => Promise<unknown>): Promise<{ locked: boolean; entry: SharedEntry | undefined }> {
    const beforeMs = clock.now();
    const [nowMs, locked, [text, askedAtMs, answeredAtMs, signed]] = (await asking()) as Told;
    const ahead = aheadMs.learn(nowMs, beforeMs, clock.now());
    // A null is an entry that is not there.
    const known =
      typeof text === 'string' &&
      (!seal || seal.isGenuine([store, key, text, String(askedAtMs), String(answeredAtMs)], signed ?? ''));
    const entry = known && { text, askedAtMs: Number(askedAtMs) - ahead, answeredAtMs: Number(answeredAtMs) - ahead };
    return { locked: locked === 1, entry: entry || undefined };
  }

  async function readEntry(key: string): Promise<SharedEntry | undefined> {
    const { entry } = await ask(key, () => read(redis, [entryKey(key)], []));
    return entry;
  }

  const reading = new Map<string, Promise<SharedEntry | undefined>>();

  /** One read for all who ask in the same turn of the event loop: it begins when all of them have asked. */
  function readOnce(key: string): Promise<SharedEntry | undefined> {
    const shared = reading.get(key);
    if (shared) return shared;
    const started = endOfTurn().then(() => {
      reading.delete(key);
      return readEntry(key);
    });
    reading.set(key, started);
    return started;
  }

  return {
    read: readOnce,
    lock: (key, holder, forMs, lane) =>
      ask(key, () => lock(redis, [entryKey(key), lockKey(key)], [holder, Math.ceil(forMs), rankOf(lane)])),
    async write(key, { text, askedAtMs, answeredAtMs }, keepMs) {
      if (aheadMs.known() === undefined) await readEntry(key);
      const ahead = aheadMs.known() ?? 0;
      const dates = [String(askedAtMs + ahead), String(answeredAtMs + ahead)] as const;
      const signed = seal?.sign([store, key, text, ...dates]) ?? '';
      await write(redis, [entryKey(key)], [text, ...dates, Math.ceil(keepMs), signed]);
    },
    async unlock(key, holder) {
      await unlock(redis, [lockKey(key)], [holder]);
    },
    async forget(key, text) {
      await forget(redis, [entryKey(key)], [text]);
    },
  };
}

/** Redis' clock, whether the lock was taken, and the entry's fields. */
type Told = [number, number, Array<string | null>];

interface Offset {
  known(): number | undefined;
  /** Corrects it by what Redis' clock said between two moments of ours. */
  learn(redisMs: number, beforeMs: number, afterMs: number): number;
}

/**
 * How far Redis' clock is ahead of ours, as well as the fastest exchange so far can tell. It stays as it is while it
 * can be true, so that one entry has one date however often it is read; a corrected clock is noticed at once.
 */
function createOffset(): Offset {
  let aheadMs: number | undefined;
  return {
    known: () => aheadMs,
    learn(redisMs, beforeMs, afterMs) {
      // Both clocks are read in whole milliseconds.
      const leastMs = redisMs - afterMs - 1;
      const mostMs = redisMs - beforeMs + 1;
      aheadMs = Math.round(Math.min(mostMs, Math.max(leastMs, aheadMs ?? (leastMs + mostMs) / 2)));
      return aheadMs;
    },
  };
}
