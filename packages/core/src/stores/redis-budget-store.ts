import { randomUUID } from 'node:crypto';
import {
  ASKED_AGAIN_MS,
  assertLane,
  type BudgetRules,
  type BudgetStore,
  LATE_PERSON_MS,
  LATE_RECEIPT_MS,
  type Lane,
  LONGEST_BLOCK_MS,
  lanes,
  ROUNDING_MS,
} from './budget-store.ts';
import { endOfTurn } from './end-of-turn.ts';
import { createScript, LUA_NOW, type RedisClient } from './redis-script.ts';

// One sorted set holds the slots. Score: when the slot stops counting, by Redis' clock. Member: "held:<lane>:<id>" while
// a request is under way, "sent:<lane>:<id>" once it is settled. The block is a key that lives as long as it lasts, as is
// the one that says that a person waits. The pace is when the next slot beyond the reserves is due.
//
// Redis keeps all of them as moments of its clock. When that clock is set back they lie further ahead than they are long,
// so nothing of them is believed for longer than its own length.

/** Lets the set live as long as its last slot, whatever rules that one was given by. */
const LUA_KEEP = `
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.ceil(tonumber(last[2])))) end
`;

/** For how long `key` blocks on. Its value is the length it was given; an earlier version wrote '1'. */
const LUA_BLOCKED_FOR = `
local function blockedFor(key)
  local left = redis.call('PTTL', key)
  local length = tonumber(redis.call('GET', key) or '')
  if not length or length <= 1 then length = ${LONGEST_BLOCK_MS} end
  if left > length then
    redis.call('PEXPIRE', key, math.ceil(length))
    left = length
  end
  return left
end
`;

/**
 * KEYS: slots, block, pace, person. ARGV: member id, lane, limit, windowMs, leaseMs, burst, pace, catchUpMs, interactiveShare,
 * then each lane with its reserve.
 */
const take = createScript(`${LUA_NOW}${LUA_BLOCKED_FOR}
local id, lane = ARGV[1], ARGV[2]
local limit, window, lease = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local burst, pace, catchUp, interactiveShare = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local blocked = blockedFor(KEYS[2])
if blocked > 0 then return blocked end
-- Settled slots count for no longer than this, and what is due then is not due later.
local settledFor, heldFor = window + ${LATE_RECEIPT_MS}, lease + window + ${ROUNDING_MS}

local used, reserves, inUse, mostKept = {}, {}, redis.call('ZCARD', KEYS[1]), 0
for i = 10, #ARGV, 2 do
  used[ARGV[i]] = 0
  reserves[ARGV[i]] = tonumber(ARGV[i + 1])
  if ARGV[i] ~= lane then mostKept = mostKept + reserves[ARGV[i]] end
end
-- With so many left and no pace it does not matter whose the slots in use are.
local plenty = inUse + mostKept < limit
local burstLasts = inUse < burst
local ends = {}
if not (plenty and burstLasts) then
  local slots = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
  for i = 1, #slots, 2 do
    local state, owner = string.match(slots[i], '^(%a+):([^:]+):')
    -- Somebody wrote it that this script does not know: it counts, and nothing is kept for it.
    owner = owner or 'unknown'
    if not reserves[owner] then used[owner], reserves[owner] = 0, 0 end
    local freeAt, most = tonumber(slots[i + 1]), now + (state == 'held' and heldFor or settledFor)
    if freeAt > most then
      redis.call('ZADD', KEYS[1], most, slots[i])
      freeAt = most
    end
    -- A held slot may be answered in this moment and then counts for a window.
    if state == 'held' then freeAt = math.min(freeAt, now + window + ${ROUNDING_MS}) end
    used[owner] = used[owner] + 1
    ends[#ends + 1] = { owner = owner, freeAt = freeAt }
  end
  table.sort(ends, function(a, b) return a.freeAt < b.freeAt end)
end

local paced = not burstLasts and used[lane] >= reserves[lane]
local paceAt = paced and (tonumber(redis.call('GET', KEYS[3]) or '') or 0)
if paced and not (paceAt <= now + settledFor) then paceAt = 0 end
local first = lane == 'people' and used.people < interactiveShare
if paced and not first and paceAt > now then return math.ceil(paceAt - now) end

-- How long after a slot beyond the reserves the next one is due. What is free must last until each of those under way is
-- free as well.
local function paceFor()
  local left, free, apart = {}, limit, 0
  for each, reserve in pairs(reserves) do
    left[each] = used[each]
    free = free - math.max(reserve, used[each])
  end
  for _, slot in ipairs(ends) do
    if left[slot.owner] > reserves[slot.owner] then
      apart = math.max(apart, (slot.freeAt - now) / math.max(1, free))
      free = free + 1
    end
    left[slot.owner] = left[slot.owner] - 1
  end
  return pace * math.max(apart, window / math.max(1, free))
end

local function grant()
  redis.call('ZADD', KEYS[1], now + heldFor, 'held:' .. lane .. ':' .. id)
  ${LUA_KEEP}
  if paced then
    local nextAt = math.min(math.max(paceAt, now - catchUp) + paceFor(), now + settledFor)
    redis.call('SET', KEYS[3], string.format('%.3f', nextAt), 'PX', math.ceil(nextAt - now + catchUp))
  end
  return 0
end
if plenty then return grant() end

local personFor = redis.call('PTTL', KEYS[4])
if personFor > ${ASKED_AGAIN_MS + LATE_PERSON_MS} then redis.call('DEL', KEYS[4]) end
local interactiveWaiting = personFor > 0 and personFor <= ${ASKED_AGAIN_MS + LATE_PERSON_MS}
local function kept(each)
  local nextOne = each == 'people' and interactiveWaiting and used.people < interactiveShare and 1 or 0
  return math.max(nextOne, reserves[each] - used[each])
end
local function mayTake()
  if inUse >= limit then return false end
  if used[lane] < reserves[lane] then return true end
  local keptForOthers = 0
  for each in pairs(reserves) do
    if each ~= lane then keptForOthers = keptForOthers + kept(each) end
  end
  return inUse + keptForOthers < limit
end

local function earliest()
  for _, slot in ipairs(ends) do
    used[slot.owner] = used[slot.owner] - 1
    inUse = inUse - 1
    if mayTake() then return math.max(1, math.ceil(slot.freeAt - now)) end
  end
  return window
end

if mayTake() then return grant() end
local wait = earliest()
if lane == 'people' then
  local waitsFor = math.ceil(math.min(wait, ${ASKED_AGAIN_MS})) + ${LATE_PERSON_MS}
  if redis.call('PTTL', KEYS[4]) < waitsFor then redis.call('SET', KEYS[4], '1', 'PX', waitsFor) end
end
return wait
`);

/** KEYS: slots. ARGV: for each slot lane:id, how long it counts on, or -1 when it never counted, and as what. */
const settle = createScript(`${LUA_NOW}
local known = false
for i = 1, #ARGV, 3 do
  if redis.call('ZREM', KEYS[1], 'held:' .. ARGV[i]) == 1 then
    known = true
    local countsFor = tonumber(ARGV[i + 1])
    if countsFor >= 0 then redis.call('ZADD', KEYS[1], now + countsFor, 'sent:' .. ARGV[i + 2]) end
  end
end
if not known then return end
${LUA_KEEP}
`);

/** KEYS: block. ARGV: forMs. */
const block = createScript(`${LUA_BLOCKED_FOR}
if blockedFor(KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[1]) end
`);

/** KEYS: slots. */
const used = createScript(`${LUA_NOW}
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', now), '+inf')
`);

/** KEYS: slots. ARGV: for each its attempt, and how long it counts on. What is known already stays as it is. */
const seed = createScript(`${LUA_NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 1, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], 'NX', now + tonumber(ARGV[i + 1]), 'sent:money:' .. ARGV[i])
end
${LUA_KEEP}
`);

/** A budget for all processes that use this Redis, by its clock. Every step is one script in one hash slot. */
export function createRedisBudgetStore({ redis, key }: { redis: RedisClient; key: string }): BudgetStore {
  const slotsKey = `{kpay-budget-${key}}:slots`;
  const blockKey = `{kpay-budget-${key}}:block`;
  const paceKey = `{kpay-budget-${key}}:pace`;
  const personKey = `{kpay-budget-${key}}:person`;

  // What ends in the same turn of the event loop is told together.
  let ended: Array<string | number> = [];
  let telling: Promise<unknown> | undefined;

  async function tellEnded(): Promise<void> {
    await endOfTurn();
    const values = ended;
    ended = [];
    telling = undefined;
    await settle(redis, [slotsKey], values);
  }

  return {
    async take(lane: Lane, { limit, windowMs, leaseMs, burst, pace, catchUpMs, interactiveShare, reserves }: BudgetRules) {
      assertLane(lane);
      // Made here and never reused, so that a slot from before a wipe cannot settle one from after it.
      const id = randomUUID();
      const reservesByLane = lanes.flatMap((each) => [each, reserves[each]]);
      const values = [id, lane, limit, windowMs, leaseMs, burst, pace, catchUpMs, interactiveShare, ...reservesByLane];
      const waitMs = Number(await take(redis, [slotsKey, blockKey, paceKey, personKey], values));
      return waitMs === 0 ? { granted: true, slotId: `${lane}:${id}` } : { granted: false, waitMs };
    },
    async settle(slotId, end, { windowMs }, attempt) {
      const countsForMs = { answered: windowMs + ROUNDING_MS, unanswered: windowMs + LATE_RECEIPT_MS, unsent: -1 };
      const lane = slotId.slice(0, slotId.indexOf(':'));
      ended.push(slotId, countsForMs[end], attempt === undefined ? slotId : `${lane}:${attempt}`);
      telling ??= tellEnded();
      await telling;
    },
    async block(forMs) {
      if (forMs > 0) await block(redis, [blockKey], [Math.ceil(forMs)]);
    },
    async used() {
      return Number(await used(redis, [slotsKey], []));
    },
    async seed(sent, { windowMs }) {
      const counting = sent
        .map(({ attempt, ageMs }) => [attempt, Math.ceil(windowMs + LATE_RECEIPT_MS - Math.max(0, ageMs))] as const)
        .filter(([, forMs]) => forMs > 0);
      // Lua takes a few thousand arguments at once.
      for (let at = 0; at < counting.length; at += 1_000) {
        await seed(redis, [slotsKey], counting.slice(at, at + 1_000).flat());
      }
    },
  };
}
