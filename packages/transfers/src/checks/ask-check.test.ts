import { expect, it } from 'vitest';
import { askCheck } from './ask-check.ts';
import type { Check, CheckContext } from './check.ts';

const now = new Date('2026-01-01T00:00:00Z');
const until = new Date('2026-01-01T00:01:00Z');

// The checks below use neither the transfer nor the account.
function ask(check: Check['check'], signal = new AbortController().signal) {
  const context = { now, signal } as CheckContext;
  return askCheck({ name: 'acme', timeoutMs: 20, check }, {} as Parameters<Check['check']>[0], context);
}

it("holds the transfer with the check's name when a check ignores its signal", async () => {
  const verdict = await ask(() => new Promise(() => {}));
  expect(verdict).toEqual({ verdict: 'hold', code: 'check_failed', reason: 'check acme took longer than 0.02 s', until });
});

const circular: Record<string, unknown> = {};
circular.itself = circular;
const held = { verdict: 'hold', code: 'x', reason: 'y', until };

it.each([
  undefined,
  true,
  {},
  { verdict: 'maybe' },
  { ...held, until: new Date(Number.NaN) },
  { ...held, reason: 'a NUL \0' },
  { ...held, code: 'x'.repeat(201) },
  { ...held, reason: 'y'.repeat(5_001) },
  { verdict: 'pass', inputs: { seen: 1n } },
  { verdict: 'pass', inputs: circular },
  { verdict: 'pass', inputs: { seen: 'half a \ud83d' } },
])('the answer %o is no verdict and holds the transfer', async (answer) => {
  const verdict = await ask(() => answer as never);
  expect(verdict).toEqual({ verdict: 'hold', code: 'check_failed', reason: 'check acme gave no verdict', until });
});

it('a verdict is passed on as it is', async () => {
  expect(await ask(() => ({ verdict: 'pass', inputs: { seen: 1 } }))).toEqual({ verdict: 'pass', inputs: { seen: 1 } });
});

it('a hold that is over already is looked at in a second, not at once', async () => {
  const verdict = await ask(() => ({ verdict: 'hold', code: 'x', reason: 'y', until: new Date(0) }));
  expect(verdict).toMatchObject({ until: new Date('2026-01-01T00:00:01Z') });
});

it('a worker that stops does not wait for a check', async () => {
  const stopping = new AbortController();
  const asked = ask(() => new Promise(() => {}), stopping.signal);
  stopping.abort(new Error('stopping'));
  await expect(asked).rejects.toThrow('stopping');
});

it('a check that throws at once leaves nothing that fails when the worker stops', async () => {
  const stopping = new AbortController();
  const broken = () => {
    throw new Error('broken');
  };
  await expect(ask(broken, stopping.signal)).rejects.toThrow('broken');
  stopping.abort(new Error('stopping'));
});
