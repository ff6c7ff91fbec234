import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawServer, startRawServer, TOKEN_ANSWER } from '../../test/raw-server.ts';
import { API_KEY, createTestClient, RECEIPT, SECRET_KEY, type TestClient, TRANSFER } from '../../test/test-client.ts';
import { Kpay } from '../kpay.ts';
import { systemClock } from '../time/clock.ts';
import type { TransferRequestFields } from './transfer-body.ts';
import { createFileMemory, type TransferMemory } from './transfer-memory.ts';
import { transferUntilKnown, type UntilKnownOptions } from './transfer-until-known.ts';

let server: RawServer;
let opened: TestClient;
/** What KPay answers to each send in turn, the last one for ever; 0 breaks the connection, a text is a 201 with that status. */
let answers: (number | string)[];
let bodies: string[];
/** How `/me` is answered. */
let meStatus: number;
const ME = { application: { id: TRANSFER.applicationId, name: 'app' }, company: null, environment: 'TEST' };

beforeEach(async () => {
  bodies = [];
  meStatus = 200;
  server = await startRawServer(({ path, body, reply, socket }) => {
    if (path.endsWith('/token')) return reply(201, TOKEN_ANSWER);
    if (path.endsWith('/me'))
      return reply(meStatus, meStatus === 200 ? ME : { statusCode: meStatus, message: 'no', error: 'No' });
    bodies.push(body);
    const status = (answers.length > 1 ? answers.shift() : answers[0]) ?? 0;
    if (status === 0) return void socket.resetAndDestroy();
    if (typeof status === 'string') return reply(201, { ...RECEIPT, status });
    reply(status, status === 201 ? RECEIPT : { statusCode: status, message: 'no', error: 'No' });
  });
  opened = createTestClient(server.baseUrl);
});
afterEach(async () => {
  await opened.client.close();
  await server.close();
});

const T0 = Date.UTC(2026, 10, 29);

/** Time in which nobody has to wait. `setMs` is what the wall clock was set on by. */
function timeFrom({ elapsedMs = 0, setMs = 0 } = {}) {
  const clock = {
    ...systemClock,
    now: () => T0 + elapsedMs + setMs,
    monotonicMs: () => elapsedMs,
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      elapsedMs += ms;
    },
  };
  return clock;
}

function run(given: (number | string)[], options: UntilKnownOptions = {}, fields: TransferRequestFields = TRANSFER) {
  answers = [...given];
  bodies.length = 0;
  return transferUntilKnown(opened.client, fields, { clock: timeFrom(), ...options });
}

/** A memory that can fail: at its `failAt`th save, counted from 1, and `times` times. */
function memoryThat({ failAt = Number.POSITIVE_INFINITY, times = Number.POSITIVE_INFINITY, saved = null as string | null } = {}) {
  const memory = {
    saved,
    saves: 0,
    load: async () => memory.saved,
    save: async (text: string) => {
      memory.saves += 1;
      if (memory.saves >= failAt && memory.saves < failAt + times) throw new Error('disk full');
      memory.saved = text;
    },
  };
  return memory satisfies TransferMemory;
}

it.each([
  ['an answer', [201], 'answer', 1],
  ['an answer to a repeat', [0, 500, 201], 'answer', 3],
  ['two conflicts, apart, after an unknown', [0, 409], 'conflict', 3],
  ['two conflicts after the last unknown, not around it', [0, 409, 0, 409], 'conflict', 5],
  ['an answer after a conflict', [0, 409, 201], 'answer', 3],
] as const)('is known by %s', async (_what, given, confirmedBy, sends) => {
  expect(await run([...given])).toMatchObject({ confirmedBy });
  expect(bodies).toHaveLength(sends);
  expect(new Set(bodies).size).toBe(1);
});

it.each([400, 404, 422])('throws a %i of the first send: nothing was done', async (status) => {
  await expect(run([status])).rejects.toMatchObject({ name: 'RejectedError', status });
});

it.each([
  ['without memory', {}],
  ['where the memory shows nothing sent', { memory: memoryThat() }],
  ['without memory, when it may have been sent before', { sentBefore: true }],
] as const)('never takes a 409 of the first send for the outcome: %s', async (_how, options) => {
  const failure = { name: 'OutcomeUnknownError', reason: 'conflict', status: 409, next: 'ask_kpay' };
  await expect(run([409], options)).rejects.toMatchObject(failure);
  expect(bodies).toHaveLength(1);
});

it('without memory two conflicts prove nothing: an old send may have been refused', async () => {
  await expect(run([0, 409], { sentBefore: true })).rejects.toMatchObject({ name: 'OutcomeUnknownError', reason: 'conflict' });
});

it.each([400, 403, 404, 422])('never takes a %i of a repeat for the outcome', async (status) => {
  const failure = { name: 'OutcomeUnknownError', reason: 'refused_repeat', status, next: 'ask_kpay' };
  await expect(run([0, status])).rejects.toMatchObject(failure);
});

it('gives up as unknown, never as refused, and says how to go on', async () => {
  await expect(run([0], { giveUpAfterMs: 600_000 })).rejects.toMatchObject({
    name: 'OutcomeUnknownError',
    next: 'send_again',
    message: expect.stringMatching(/call again with the same fields .* never with another id/),
  });
  expect(bodies.length).toBeLessThan(20);
});

it.each([
  ['the first send', ['FAILED', 409], 1],
  ['a repeat', [0, 'PENDING', 409], 2],
  ['a repeat after a conflict', [0, 409, 'FAILED', 409], 3],
])('sends nothing again after a 201 to %s that is no success: a 409 would confirm it', async (_to, given, sends) => {
  const memory = memoryThat();
  const failure = { name: 'OutcomeUnknownError', reason: 'not_completed', next: 'ask_kpay' };
  await expect(run(given, { memory })).rejects.toMatchObject(failure);
  expect(bodies).toHaveLength(sends);
  // Nor does a later call.
  await expect(run([409], { memory })).rejects.toMatchObject(failure);
  expect(bodies).toHaveLength(0);
});

it('an abort while the outcome is unknown is told as unknown', async () => {
  const caller = new AbortController();
  const clock = { ...timeFrom(), sleep: async () => caller.abort(new Error('enough')) };
  const sleep = async (_ms: number, signal?: AbortSignal) => {
    await clock.sleep();
    signal?.throwIfAborted();
  };
  const ended = run([0], { signal: caller.signal, clock: { ...clock, sleep } });
  await expect(ended).rejects.toMatchObject({ name: 'OutcomeUnknownError', next: 'send_again', cause: { message: 'enough' } });
  expect(bodies).toHaveLength(1);
});

describe('with a memory', () => {
  it.each([
    ['an answer', [201]],
    ['two conflicts', [0, 409]],
  ])('what is known by %s is known to a later call, which sends nothing', async (_by, given) => {
    const memory = memoryThat();
    const known = await run(given, { memory });
    const again = await run([500], { memory });
    expect(bodies).toHaveLength(0);
    expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(JSON.stringify(known)));
    expect(again).toEqual(known);
  });

  it('is written before each send and after each answer', async () => {
    const memory = memoryThat();
    const seen: unknown[] = [];
    const save = async (text: string) => {
      const { attempts, sendingSince, end } = JSON.parse(text);
      seen.push([bodies.length, attempts, sendingSince !== null, end?.kind]);
      await memory.save(text);
    };
    await run([0, 409], { memory: { ...memory, save } });
    expect(seen).toEqual([
      [0, 1, true, undefined],
      [1, 1, false, undefined],
      [1, 2, true, undefined],
      [2, 2, false, undefined],
      [2, 3, true, undefined],
      [3, 3, false, 'conflict'],
    ]);
  });

  it('two conflicts confirm after a process died between the note and the answer', async () => {
    const memory = memoryThat();
    const dies = async (text: string) => {
      await memory.save(text);
      throw new Error('killed');
    };
    await expect(run([201], { memory: { ...memory, save: dies } })).rejects.toThrow('nothing was sent');
    expect(await run([409], { memory })).toEqual({ confirmedBy: 'conflict' });
    expect(bodies).toHaveLength(2);
  });

  it('waits again after another process saw a conflict: its clock proves nothing', async () => {
    const memory = memoryThat();
    await expect(run([0, 409], { memory, giveUpAfterMs: 30_000 })).rejects.toMatchObject({ next: 'send_again' });
    const clock = timeFrom({ setMs: 3_600_000 });
    expect(await run([409], { memory, clock })).toEqual({ confirmedBy: 'conflict' });
    expect(bodies).toHaveLength(2);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(60_000);
  });

  it('a refusal before is remembered: conflicts prove nothing after it', async () => {
    const memory = memoryThat();
    await expect(run([422], { memory })).rejects.toMatchObject({ name: 'RejectedError', status: 422 });
    await expect(run([0, 409], { memory })).rejects.toMatchObject({ name: 'OutcomeUnknownError', reason: 'conflict' });
    expect(bodies).toHaveLength(2);
  });

  it('after a refusal it may be sent again, and an answer is known', async () => {
    const memory = memoryThat();
    await expect(run([422], { memory })).rejects.toMatchObject({ name: 'RejectedError' });
    expect(await run([201], { memory })).toMatchObject({ confirmedBy: 'answer' });
  });

  it('after 24 hours nothing is sent again, nor where the clock cannot tell', async () => {
    const memory = memoryThat();
    await expect(run([0], { memory, giveUpAfterMs: 0 })).rejects.toMatchObject({ next: 'send_again' });
    for (const setMs of [86_400_001, -86_410_000]) {
      const failure = { name: 'OutcomeUnknownError', reason: 'too_long', next: 'ask_kpay' };
      await expect(run([201], { memory, clock: timeFrom({ setMs }) })).rejects.toMatchObject(failure);
      expect(bodies).toHaveLength(0);
    }
    expect(await run([201], { memory, clock: timeFrom({ setMs: 86_300_000 }) })).toMatchObject({ confirmedBy: 'answer' });
  });

  it.each([
    ['amount', { ...TRANSFER, amount: 50_001 }],
    ['destination', { ...TRANSFER, destinationCountry: 'COG' }],
    ['application', { ...TRANSFER, applicationId: 'another' }],
    ['id', { ...TRANSFER, externalId: 'another' }],
  ])('it is refused for another %s', async (_what, fields) => {
    const memory = memoryThat();
    await run([201], { memory });
    await expect(run([201], { memory }, fields)).rejects.toThrow(/^memory must be of this transfer/);
    expect(bodies).toHaveLength(0);
  });

  it('it is refused for another environment', async () => {
    const memory = memoryThat();
    answers = [201];
    const transfer = opened.client.transfer;
    await transferUntilKnown({ transfer, environment: 'TEST' }, TRANSFER, { memory });
    const live = transferUntilKnown({ transfer, environment: 'PRODUCTION' }, TRANSFER, { memory });
    await expect(live).rejects.toThrow(/^memory must be of this transfer/);
  });

  it('the same amount in another writing is the same transfer', async () => {
    const memory = memoryThat();
    await run([201], { memory });
    expect(await run([500], { memory }, { ...TRANSFER, amount: '50000.00' })).toMatchObject({ confirmedBy: 'answer' });
  });

  it.each(['', 'null', '{}', '{"version":2}', '{"version":1,"transfer":"x"'])(
    'the text %j in it ends the call: unknown',
    async (saved) => {
      const failure = {
        name: 'OutcomeUnknownError',
        reason: 'memory_failed',
        message: expect.stringMatching(/nothing was sent by this/),
      };
      await expect(run([201], { memory: memoryThat({ saved }) })).rejects.toMatchObject(failure);
      expect(bodies).toHaveLength(0);
    },
  );

  it('that cannot be read ends the call: a call before it may have sent', async () => {
    const load = () => Promise.reject(new Error('away'));
    const failure = { name: 'OutcomeUnknownError', reason: 'memory_failed', next: 'send_again', cause: { message: 'away' } };
    await expect(run([201], { memory: { ...memoryThat(), load } })).rejects.toMatchObject(failure);
    expect(bodies).toHaveLength(0);
  });

  it.each([{}, { load: () => null }, null, 'file.json'])('%j is none: refused before anything is sent', async (memory) => {
    const given = memory as unknown as TransferMemory;
    await expect(run([201], { memory: given })).rejects.toThrow(/^memory must have the functions load and save/);
    expect(bodies).toHaveLength(0);
  });
});

describe('a save that fails', () => {
  it('before the first send: nothing is sent', async () => {
    const failure = { name: 'RetryableError', code: 'memory_failed', cause: { message: 'disk full' } };
    await expect(run([201], { memory: memoryThat({ failAt: 1 }) })).rejects.toMatchObject(failure);
    expect(bodies).toHaveLength(0);
  });

  it.each([
    ['keeps nothing, as an update of a row that is not there', () => null],
    ['gives back parsed JSON', (text: string) => JSON.parse(text)],
    ['gives back JSON in another form', (text: string) => JSON.stringify(JSON.parse(text), null, 1)],
  ])('of a memory that %s is noticed, and nothing is sent', async (_what, kept) => {
    let saved: string | null = null;
    const memory = {
      load: () => saved,
      save: (text: string) => {
        saved = kept(text);
      },
    };
    const failure = { code: 'memory_failed', cause: { message: expect.stringMatching(/keep it as text, unchanged/) } };
    await expect(run([201], { memory })).rejects.toMatchObject(failure);
    expect(bodies).toHaveLength(0);
  });

  it('before a repeat: nothing more is sent, and the outcome is unknown', async () => {
    const failure = { name: 'OutcomeUnknownError', next: 'send_again', cause: { message: 'disk full' } };
    await expect(run([0, 201], { memory: memoryThat({ failAt: 3 }) })).rejects.toMatchObject(failure);
    expect(bodies).toHaveLength(1);
  });

  it('after an answer, twice: it is tried again', async () => {
    const memory = memoryThat({ failAt: 2, times: 2 });
    expect(await run([201], { memory })).toEqual({ confirmedBy: 'answer', receipt: expect.anything() });
    expect(await run([500], { memory })).toMatchObject({ confirmedBy: 'answer' });
    expect(bodies).toHaveLength(0);
  });

  it('tells the receipt of a 201 with the failure; a later call confirms by conflicts', async () => {
    const memory = memoryThat({ failAt: 2 });
    const known = await run([201], { memory });
    expect(known).toMatchObject({ confirmedBy: 'answer', receipt: { id: 'wt_1' }, memoryError: { message: 'disk full' } });
    expect(await run([409], { memory: memoryThat({ saved: memory.saved }) })).toEqual({ confirmedBy: 'conflict' });
  });

  it('after a refusal: it is told, and that the memory does not know of it', async () => {
    const failure = { name: 'RejectedError', status: 422, message: expect.stringMatching(/do not go on with it/) };
    await expect(run([422], { memory: memoryThat({ failAt: 2 }) })).rejects.toMatchObject(failure);
  });

  it('tells a 201 that is no success, and that the memory does not know of it', async () => {
    const failure = { reason: 'not_completed', cause: { message: expect.stringMatching(/do not go on with it/) } };
    await expect(run(['FAILED'], { memory: memoryThat({ failAt: 2 }) })).rejects.toMatchObject(failure);
  });

  it('after a 429: nothing was done', async () => {
    await expect(run([429], { memory: memoryThat({ failAt: 2 }) })).rejects.toMatchObject({ reason: 'rate_limited' });
  });
});

it.each([
  ['giveUpAfterMs', Number.NaN],
  ['giveUpAfterMs', -1],
  ['conflictConfirmMs', '60'],
  ['conflictConfirmMs', null],
])('%s of %s is refused before anything is sent', async (name, value) => {
  await expect(run([201], { [name]: value })).rejects.toMatchObject({ code: 'invalid_argument', argument: `options.${name}` });
  expect(bodies).toHaveLength(0);
});

describe('a file memory', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'memory-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps the last text, and leaves nothing beside it', async () => {
    const path = join(folder, 'transfer.json');
    const memory = createFileMemory(path);
    expect(await memory.load()).toBeNull();
    await memory.save('one');
    await memory.save('two');
    expect(await createFileMemory(path).load()).toBe('two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(folder)).toEqual(['transfer.json']);
  });

  it('in a folder that is not there: nothing is sent', async () => {
    const memory = createFileMemory(join(folder, 'none', 'transfer.json'));
    await expect(run([201], { memory })).rejects.toMatchObject({ reason: 'memory_failed', cause: { code: 'ENOENT' } });
    expect(bodies).toHaveLength(0);
  });

  it('that cannot be read is not an empty one', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(run([201], { memory: createFileMemory(join(file, 'transfer.json')) })).rejects.toMatchObject({
      name: 'OutcomeUnknownError',
      cause: { code: 'ENOTDIR' },
    });
  });

  it('finishes what a call before began', async () => {
    const path = join(folder, 'transfer.json');
    await expect(run([0], { memory: createFileMemory(path), giveUpAfterMs: 0 })).rejects.toMatchObject({ next: 'send_again' });
    expect(await run([201], { memory: createFileMemory(path) })).toMatchObject({ confirmedBy: 'answer' });
    expect(await run([500], { memory: createFileMemory(path) })).toMatchObject({ receipt: { id: 'wt_1' } });
  });
});

describe('a method of Kpay', () => {
  const fields = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: '50000', externalId: TRANSFER.externalId };
  let kpay: Kpay;
  beforeEach(() => {
    kpay = new Kpay({ apiKey: API_KEY, secretKey: SECRET_KEY, baseUrl: server.baseUrl, clock: timeFrom() });
  });
  afterEach(() => kpay.close());

  it('needs no applicationId: it is that of the keys, in every send', async () => {
    answers = [0, 201];
    expect(await kpay.transferUntilKnown(fields)).toMatchObject({ confirmedBy: 'answer', receipt: { id: 'wt_1' } });
    expect(bodies.map((body) => JSON.parse(body).applicationId)).toEqual([TRANSFER.applicationId, TRANSFER.applicationId]);
  });

  it('asks KPay for nothing when the end is known', async () => {
    const memory = memoryThat();
    answers = [201];
    await kpay.transferUntilKnown(fields, { memory });
    const before = server.requests.length;
    const offline = new Kpay({ apiKey: API_KEY, secretKey: SECRET_KEY, baseUrl: server.baseUrl });
    expect(await offline.transferUntilKnown(fields, { memory })).toMatchObject({ receipt: { id: 'wt_1' } });
    await offline.close();
    expect(server.requests).toHaveLength(before);
  });

  it.each([401, 404, 503])('a %i of /me says nothing of what was sent before', async (status) => {
    const memory = memoryThat();
    answers = [0];
    await expect(kpay.transferUntilKnown(fields, { memory, giveUpAfterMs: 0 })).rejects.toMatchObject({ next: 'send_again' });
    meStatus = status;
    const later = new Kpay({ apiKey: API_KEY, secretKey: SECRET_KEY, baseUrl: server.baseUrl, clock: timeFrom() });
    await expect(later.transferUntilKnown(fields, { memory })).rejects.toMatchObject({
      name: 'OutcomeUnknownError',
      next: 'send_again',
    });
    await later.close();
    expect(bodies).toHaveLength(1);
  });

  it('a 404 of /me before anything was sent is no refusal of a transfer', async () => {
    const memory = memoryThat();
    meStatus = 404;
    answers = [201];
    await expect(kpay.transferUntilKnown(fields, { memory })).rejects.toMatchObject({ name: 'RejectedError', status: 404 });
    expect([bodies.length, memory.saves]).toEqual([0, 0]);
  });

  it('the keys of another application do not go on with it', async () => {
    const memory = memoryThat();
    answers = [0];
    const [first, other] = ['one', 'another'].map((applicationId) => ({ ...fields, applicationId }));
    const transfer = { transfer: opened.client.transfer };
    await expect(transferUntilKnown(transfer, first ?? fields, { memory, giveUpAfterMs: 0 })).rejects.toThrow();
    await expect(transferUntilKnown(transfer, other ?? fields, { memory })).rejects.toThrow(/^memory must be of this transfer/);
    await expect(kpay.transferUntilKnown(fields, { memory })).rejects.toThrow(/^memory must be of this transfer/);
    expect(bodies).toHaveLength(1);
  });

  it.each([
    [undefined, {}, 'fields'],
    [{ ...fields, externalId: '' }, {}, 'externalId'],
    [{ ...fields, amonut: 5 }, {}, 'fields.amonut'],
    [fields, { lane: 'fast' }, 'lane'],
    [fields, { memorry: memoryThat() }, 'options.memorry'],
  ])('%j with %j is refused by name, and nothing is saved or sent', async (given, options, argument) => {
    const memory = memoryThat();
    answers = [201];
    const call = kpay.transferUntilKnown(given as typeof fields, { memory, ...options } as UntilKnownOptions);
    await expect(call).rejects.toMatchObject({ code: 'invalid_argument', argument });
    expect([server.requests.length, memory.saves]).toEqual([0, 0]);
  });

  it('after close nothing is sent', async () => {
    await kpay.close();
    await expect(kpay.transferUntilKnown(fields)).rejects.toMatchObject({ code: 'closed' });
  });
});
