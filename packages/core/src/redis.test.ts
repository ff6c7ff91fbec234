import { randomUUID } from 'node:crypto';
import { createSimulator, type Simulator } from '@kpay/simulator';
import { eventually, type OwnServer, startRedis } from '@kpay/testkit';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectTo } from '../test/stores-under-test.ts';
import { budgetRules } from './budget.ts';
import { Kpay } from './kpay.ts';
import { createRedisStores } from './redis.ts';
import { createSeal } from './stores/seal.ts';
import { type Clock, systemClock } from './time/clock.ts';

const MINUTE_MS = 60_000;
const PEOPLE = { lane: 'people' } as const;

const probe = await startRedis();
const missing = 'unavailable' in probe ? `, but ${probe.unavailable}` : '';
if (!('unavailable' in probe)) await probe.stop();

describe.skipIf(missing !== '')(`stores in Redis${missing}`, () => {
  let server: OwnServer;
  let redis: Redis;
  let simulator: Simulator;
  let account: Kpay;

  beforeEach(async () => {
    const started = await startRedis();
    if ('unavailable' in started) throw new Error(started.unavailable);
    server = started;
    redis = connectTo(server.url);
    simulator = await createSimulator({ port: 0, caching: false });
    const settings = { name: 'default', apiKey: 'kpay_test_simulator', secretKey: 'simulator-secret' };
    account = new Kpay({ ...settings, baseUrl: simulator.url, stores: createRedisStores({ redis }) });
  });
  afterEach(async () => {
    await account.close();
    redis.disconnect();
    await simulator.close();
    await server.stop();
  });

  /** Since the server started; each is one command of this process. */
  async function scriptsRun(): Promise<number> {
    const told = await redis.info('commandstats');
    return ['eval', 'evalsha'].reduce(
      (sum, command) => sum + Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(told)?.[1] ?? 0),
      0,
    );
  }

  async function slotsKey(): Promise<string> {
    const [key = ''] = await redis.keys('{kpay-budget-*}:slots');
    return key;
  }

  it('tell each machine how old a value is, though their clocks differ by seconds', async () => {
    const ahead: Clock = { ...systemClock, now: () => Date.now() + 7_000 };
    const here = createRedisStores({ redis }).shared('one');
    const there = createRedisStores({ redis, clock: ahead }).shared('one');
    const askedAtMs = Date.now() - 20_000;
    await here.write('balance', { text: 'old', askedAtMs, answeredAtMs: askedAtMs + 5 }, MINUTE_MS);
    const seenAtMs = (await there.read('balance'))?.askedAtMs ?? 0;
    expect(Math.abs(ahead.now() - seenAtMs - 20_000)).toBeLessThan(500);

    await there.write('balance', { text: 'from the clock ahead', askedAtMs: ahead.now() - 2_000, answeredAtMs: 0 }, MINUTE_MS);
    await here.write('balance', { text: 'asked for last', askedAtMs: Date.now(), answeredAtMs: Date.now() }, MINUTE_MS);
    expect(await there.read('balance')).toMatchObject({ text: 'asked for last' });
  });

  it('are asked once for all reads and told once of all ended slots, in one turn', async () => {
    const store = createRedisStores({ redis }).shared('one');
    await store.write('balance', { text: 'x', askedAtMs: Date.now(), answeredAtMs: Date.now() }, MINUTE_MS);
    // The first of a kind brings its text along in a second command.
    await store.read('balance');
    (await account.budget.take('money')).answered();
    await eventually(async () => expect(await redis.zcount(await slotsKey(), '-inf', Date.now() + 61_000)).toBe(1));
    const before = await scriptsRun();
    const read = await Promise.all(Array.from({ length: 50 }, () => store.read('balance')));
    expect(read.map((entry) => entry?.text)).toEqual(Array(50).fill('x'));
    expect((await scriptsRun()) - before).toBe(1);

    const slots = await Promise.all(Array.from({ length: 20 }, () => account.budget.take('money')));
    const taken = await scriptsRun();
    for (const [index, slot] of slots.entries()) index < 15 ? slot.answered() : slot.unsent();
    await eventually(async () => expect((await scriptsRun()) - taken).toBe(1));
    expect(await account.budget.remaining()).toBe(84);

    // The next turn is another one: what was written meanwhile is seen.
    await store.write('balance', { text: 'y', askedAtMs: Date.now(), answeredAtMs: Date.now() }, MINUTE_MS);
    expect(await store.read('balance')).toMatchObject({ text: 'y' });
  });

  it("believe no slot, pace or block beyond its length after Redis' clock was set back", async () => {
    const HOUR_MS = 60 * MINUTE_MS;
    const store = createRedisStores({ redis }).budget('one');
    const rules = { ...budgetRules({ limit: 8, windowMs: MINUTE_MS }), burst: 0 };
    const key = (name: string): string => `{kpay-budget-one}:${name}`;
    const laterMs = Date.now() + HOUR_MS;
    await redis.set(key('pace'), laterMs, 'PX', HOUR_MS);
    await redis.set(key('person'), '1', 'PX', HOUR_MS);
    expect(await store.take('money', rules)).toMatchObject({ granted: true });

    await store.block(40_000);
    await redis.pexpire(key('block'), HOUR_MS);
    const blocked = await store.take('money', rules);
    if (blocked.granted) throw new Error('the budget is blocked');
    expect(blocked.waitMs).toBeLessThanOrEqual(40_000);
    expect(await redis.pttl(key('block'))).toBeLessThanOrEqual(40_000);
    await redis.set(key('block'), '1', 'PX', HOUR_MS);
    expect(await store.take('money', rules)).toMatchObject({ waitMs: 15 * MINUTE_MS });
    await redis.del(key('block'));

    for (let number = 0; number < 8; number += 1) {
      await redis.zadd(key('slots'), laterMs, `${number % 2 ? 'held' : 'sent'}:money:${number}`);
    }
    const full = await store.take('people', rules);
    if (full.granted) throw new Error('every slot is in use');
    expect(full.waitMs).toBeLessThanOrEqual(MINUTE_MS + 5_000);
    expect(await redis.zcount(key('slots'), Date.now() + 2 * MINUTE_MS + 100, '+inf')).toBe(0);
    expect(await redis.zcount(key('slots'), Date.now() + MINUTE_MS + 5_100, '+inf')).toBe(5);
  });

  it('give slots though somebody wrote slots that they do not know, and count those', async () => {
    const store = createRedisStores({ redis }).budget('one');
    const rules = { ...budgetRules({ limit: 8, windowMs: MINUTE_MS }), burst: 0 };
    const untilMs = Date.now() + 30_000;
    const strange = ['held:undefined:1', 'sent:undefined:2', 'sent:new-lane:3', 'nonsense'];
    for (const slot of strange) await redis.zadd('{kpay-budget-one}:slots', untilMs, slot);
    await redis.set('{kpay-budget-one}:pace', 'soon');
    for (const lane of ['checks', 'people', 'metrics', 'money'] as const) {
      expect(await store.take(lane, rules), lane).toMatchObject({ granted: true });
    }
    const full = await store.take('people', rules);
    if (full.granted) throw new Error('every slot is in use');
    expect(full.waitMs).toBeLessThanOrEqual(30_000);
  });

  describe('believe only what the account itself wrote', () => {
    const SECRET = 'simulator-secret';
    const now = (text: string) => ({ text, askedAtMs: Date.now(), answeredAtMs: Date.now() });
    const open = (key = 'one', secretKey = SECRET) => createRedisStores({ redis }).shared(key, createSeal(secretKey));
    const entry = (key: string, store = 'one') => `{kpay-shared-${store}}:entry:${key}`;

    it.each([
      ['its text', { text: 'forged' }],
      ['when it was asked for', { askedAtMs: String(Date.now()) }],
      ['when it was answered', { answeredAtMs: String(Date.now() + 1) }],
      ['its seal', { seal: 'AAAA' }],
      ['that it has none', { seal: '' }],
    ])('with %s changed', async (_what, fields: Record<string, string>) => {
      const store = open();
      await store.write('rate:XAF:XOF', { text: 'true', askedAtMs: Date.now() - 20_000, answeredAtMs: Date.now() }, MINUTE_MS);
      expect(await open().read('rate:XAF:XOF')).toMatchObject({ text: 'true' });
      await redis.hset(entry('rate:XAF:XOF'), fields);
      expect(await store.read('rate:XAF:XOF')).toBeUndefined();
      expect(await store.lock('rate:XAF:XOF', 'a', 100)).toEqual({ locked: true, entry: undefined });
      await store.write('rate:XAF:XOF', now('true again'), MINUTE_MS);
      expect(await store.read('rate:XAF:XOF')).toMatchObject({ text: 'true again' });
    });

    it('of another key, another account or another secret', async () => {
      await open().write('balance', now('true'), MINUTE_MS);
      await redis.copy(entry('balance'), entry('availability'));
      expect(await open().read('availability')).toBeUndefined();
      expect(await open('one', 'another secret').read('balance')).toBeUndefined();
      const { text, askedAtMs, answeredAtMs, seal } = await redis.hgetall(entry('balance'));
      await redis.hset(entry('balance', 'two'), { text, askedAtMs, answeredAtMs, seal });
      expect(await open('two').read('balance')).toBeUndefined();
      expect(await open().read('balance')).toMatchObject({ text: 'true' });
    });

    it('in an account: a forged rate is asked for again', async () => {
      await account.observations.rate('XAF', 'XOF', PEOPLE);
      const [key = ''] = await redis.keys('*:entry:rate:XAF:XOF');
      await redis.hset(key, 'text', '{"from":"XAF","to":"XOF","rate":"9"}');
      expect(await account.observations.peekRate('XAF', 'XOF')).toBeUndefined();
      const { value } = await account.observations.rate('XAF', 'XOF', { ...PEOPLE, maxAgeMs: 0 });
      expect(value.rate).not.toBe('9');
      expect(await redis.hget(key, 'text')).toContain(value.rate);
    });
  });

  it('let nobody keep a lock beyond its length, and replace values from the future', async () => {
    const store = createRedisStores({ redis }).shared('one');
    await redis.set('{kpay-shared-one}:lock:balance', 'died', 'PX', 60 * MINUTE_MS);
    expect(await store.lock('balance', 'heir', 30_000)).toMatchObject({ locked: true });
    const laterMs = Date.now() + 60 * MINUTE_MS;
    await redis.hset('{kpay-shared-one}:entry:balance', { text: 'future', askedAtMs: laterMs, answeredAtMs: laterMs });
    await store.write('balance', { text: 'now', askedAtMs: Date.now(), answeredAtMs: Date.now() }, MINUTE_MS);
    expect(await store.read('balance')).toMatchObject({ text: 'now' });
  });

  it('notice when the clock of their machine is corrected', async () => {
    let behindMs = 0;
    const store = createRedisStores({ redis, clock: { ...systemClock, now: () => Date.now() - behindMs } }).shared('one');
    await store.write('balance', { text: 'x', askedAtMs: Date.now(), answeredAtMs: Date.now() }, MINUTE_MS);
    behindMs = 30_000;
    const { askedAtMs } = (await store.read('balance')) ?? { askedAtMs: 0 };
    expect(Math.abs(askedAtMs - (Date.now() - behindMs))).toBeLessThan(1_000);
  });

  it('can be wiped at any moment: budget, token and values are filled again', async () => {
    await account.observations.balance(PEOPLE);
    await account.client.accessToken(PEOPLE);
    const slot = await account.budget.take('money');
    await redis.flushall();
    await redis.script('FLUSH');
    slot.answered();

    expect(await account.observations.peekBalance()).toBeUndefined();
    await account.budget.seed([1_000, 2_000, 3_000].map((ageMs) => ({ attempt: String(ageMs), ageMs })));
    expect(await account.budget.remaining()).toBe(97);
    await account.client.accessToken(PEOPLE);
    // What was read just now is trusted for a second.
    await eventually(async () => {
      expect((await account.observations.balance(PEOPLE)).value.length).toBeGreaterThan(0);
      const { byEndpoint } = simulator.control.truth().requestCounts;
      expect(byEndpoint).toMatchObject({ balance: 2, token: 2 });
    });
  });

  it('can be wiped again and again while calls are under way, and no call fails', async () => {
    const calls = Array.from({ length: 60 }, async (_, number) => {
      if (number % 10 === 0) await redis.flushall();
      return number % 2 ? account.observations.balance(PEOPLE) : account.client.me(PEOPLE);
    });
    expect(await Promise.all(calls)).toHaveLength(60);
  });

  it('out of reach lets nothing be sent, as RetryableError, and settles no slot', async () => {
    const slot = await account.budget.take('money');
    await server.kill();
    slot.answered();
    await expect(account.budget.take('people')).rejects.toMatchObject({ name: 'RetryableError', reason: 'no_budget' });
    for (const call of [
      account.client.prepareTransfer({ lane: 'money' }),
      account.observations.balance(PEOPLE),
      account.observations.peekBalance(),
    ]) {
      await expect(call).rejects.toMatchObject({ name: 'RetryableError' });
    }
    expect(simulator.control.truth().requests).toEqual([]);
  });

  it('that hang are out of reach too, and serve again when they go on', async () => {
    await account.budget.remaining();
    await server.pause();
    await expect(account.budget.take('people')).rejects.toMatchObject({ name: 'RetryableError', reason: 'no_budget' });
    await server.resume();
    await eventually(() => account.client.me(PEOPLE));
  });

  it('show no token in an error', async () => {
    const shared = createRedisStores({ redis }).shared('one');
    await redis.set('{kpay-shared-one}:entry:token', 'not a hash');
    const entry = { text: 'eyJ-a-token', askedAtMs: 1, answeredAtMs: 1 };
    const failed = await shared.write('token', entry, MINUTE_MS).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Error);
    expect(JSON.stringify(failed, Object.getOwnPropertyNames(failed))).not.toContain('eyJ-a-token');
    expect(failed).toMatchObject({ message: expect.stringContaining('WRONGTYPE') });
  });

  it('name no secret in a key, and leave nothing behind when they are not used', async () => {
    await account.observations.balance(PEOPLE);
    await account.client.accessToken(PEOPLE);
    const keys = await redis.keys('*');
    expect(keys.length).toBeGreaterThanOrEqual(3);
    for (const key of keys) {
      expect(key).toMatch(/^\{kpay-(budget|shared)-[0-9a-f]{32}\}:/);
      expect(await redis.pttl(key)).toBeGreaterThan(0);
    }
    await redis.flushall();
    const stores = createRedisStores({ redis });
    const rules = { ...budgetRules({ limit: 4, windowMs: 100 }), leaseMs: 100, burst: 0, interactiveShare: 2 };
    for (const lane of ['money', 'people', 'people'] as const) await stores.budget('one').take(lane, rules);
    await stores.budget('one').block(100);
    await stores.shared('one').lock('token', randomUUID(), 100);
    await stores.shared('one').write('token', { text: 't', askedAtMs: 1, answeredAtMs: 1 }, 100);
    expect(await redis.keys('*')).toHaveLength(6);
    await eventually(async () => expect(await redis.keys('*')).toEqual([]));
  });
});
