import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RawServer, startRawServer, TOKEN_ANSWER } from '../../test/raw-server.ts';
import { createTestClient, RECEIPT, type TestClient, TRANSFER } from '../../test/test-client.ts';
import { systemClock } from '../time/clock.ts';
import { transferUntilKnown, type UntilKnownOptions } from './transfer-until-known.ts';

let server: RawServer;
let opened: TestClient;
/** What KPay answers to each send in turn, the last one for ever; 0 breaks the connection, a text is a 201 with that status. */
let answers: (number | string)[];
let bodies: string[];

beforeEach(async () => {
  bodies = [];
  server = await startRawServer(({ path, body, reply, socket }) => {
    if (path.endsWith('/token')) return reply(201, TOKEN_ANSWER);
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

/** Time in which nobody has to wait. */
function run(given: (number | string)[], options: UntilKnownOptions = {}) {
  answers = [...given];
  let elapsedMs = 0;
  const clock = {
    ...systemClock,
    monotonicMs: () => elapsedMs,
    sleep: async (ms: number) => {
      elapsedMs += ms;
    },
  };
  return transferUntilKnown(opened.client, TRANSFER, { clock, ...options });
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

it.each([400, 404, 409, 422])('throws a %i of the first send: nothing was done', async (status) => {
  await expect(run([status])).rejects.toMatchObject({ name: 'RejectedError', status });
});

it('takes a conflict at once for one of its own, when it may have been sent before', async () => {
  expect(await run([409], { sentBefore: true })).toEqual({ confirmedBy: 'conflict' });
});

it.each([400, 403, 404, 422])('never takes a %i of a repeat for the outcome', async (status) => {
  await expect(run([0, status])).rejects.toMatchObject({ name: 'OutcomeUnknownError', status });
});

it('gives up as unknown, never as refused', async () => {
  await expect(run([0], { giveUpAfterMs: 600_000 })).rejects.toMatchObject({ name: 'OutcomeUnknownError' });
  expect(bodies.length).toBeLessThan(20);
});

it.each([
  ['the first send', ['FAILED', 409], 1],
  ['a repeat', [0, 'PENDING', 409], 2],
  ['a repeat after a conflict', [0, 409, 'FAILED', 409], 3],
])('sends nothing again after a 201 to %s that says it is no success: a conflict would confirm it', async (_to, given, sends) => {
  await expect(run(given)).rejects.toMatchObject({ name: 'OutcomeUnknownError', reason: 'not_completed' });
  expect(bodies).toHaveLength(sends);
});
