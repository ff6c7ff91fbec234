import { testServerUrls } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type RunningApi, startApi } from './running-api.ts';
import { openPostgresLedger } from './test-ledger.ts';

const request = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };

// A wait for a lock needs two sessions; the embedded database has one.
describe.skipIf(!testServerUrls())('keys that make keys, on Postgres', { timeout: 120_000 }, () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await startApi(await openPostgresLedger());
  }, 60_000);
  afterAll(() => api.close());

  const make = async (token?: string, changes: object = {}) => {
    const body = {
      name: 'a',
      scopes: ['keys', 'read', 'transfers:create'],
      ...(token === undefined && { owner: 'ops' }),
      ...changes,
    };
    const answer = await api.ask('/v1/api-keys', { body, ...(token !== undefined && { token }) });
    return { answer, id: String(answer.body.id), key: String(answer.body.key) };
  };
  const revoke = (id: string) => api.ask(`/v1/api-keys/${id}`, { method: 'DELETE' });

  it('leave none behind, however the making and the revoking of their makers meet', async () => {
    for (let round = 0; round < 10; round += 1) {
      const top = await make();
      const middle = await make(top.key);
      const making = Array.from({ length: 6 }, (_, n) => make(n % 2 === 0 ? top.key : middle.key));
      const [revoked, ...made] = await Promise.all([revoke(top.id), ...making]);
      const statuses = made.map(({ answer }) => answer.status);
      expect(statuses.filter((status) => ![201, 401].includes(status))).toEqual([]);
      const kept = made.filter(({ answer }) => answer.status === 201);
      const rows = await api.ledger.db.selectFrom('kpay.api_keys').selectAll().where('revoked_at', 'is', null).execute();
      expect(rows).toEqual([]);
      expect(revoked.body.alsoRevoked).toEqual(expect.arrayContaining([middle.id, ...kept.map(({ id }) => id)]));
      for (const { key } of [middle, ...kept]) expect((await api.ask('/v1/transfers', { token: key })).status).toBe(401);
    }
  });

  it('are revoked together from two ends at once without waiting in a circle', async () => {
    for (let round = 0; round < 10; round += 1) {
      const top = await make();
      const middle = await make(top.key);
      for (let n = 0; n < 5; n += 1) await make(middle.key);
      const answers = await Promise.all([revoke(middle.id), revoke(top.id)]);
      expect(answers.map(({ status }) => status).filter((status) => ![200, 404].includes(status))).toEqual([]);
      expect(await api.ledger.db.selectFrom('kpay.api_keys').select('id').where('revoked_at', 'is', null).execute()).toEqual([]);
    }
  });

  it('share the limit of the one they came of, also when all of them spend at once', async () => {
    const top = await make(undefined, { spendLimits: [{ currency: 'XAF', amount: 500_000, hours: 24 }] });
    const children = await Promise.all([1, 2, 3].map(() => make(top.key)));
    const tokens = [top, ...children].map(({ key }) => key);
    const orders = Array.from({ length: 24 }, (_, n) => ({ ...request, externalId: `shared-${n}` }));
    const answers = await Promise.all(orders.map((body, n) => api.ask('/v1/transfers', { body, token: tokens[n % 4] ?? '' })));
    const count = (status: number) => answers.filter((answer: Answer) => answer.status === status).length;
    expect([count(202), count(403)], answers.map(({ text }) => text).join('\n')).toEqual([10, 14]);
  });

  it('stop a batch when theirs is revoked, and the answer says what was accepted', async () => {
    const { id, key } = await make();
    const lines = Array.from({ length: 1_000 }, (_, n) => JSON.stringify({ ...request, externalId: `batch-${n}` })).join('\n');
    const headers = { 'content-type': 'application/x-ndjson' };
    const sending = api.ask('/v1/transfers/batch', { body: lines, token: key, headers });
    const recorded = async () =>
      api.ledger.db.selectFrom('kpay.transfers').select('id').where('external_id', 'like', 'batch-%').execute();
    while ((await recorded()).length < 20) await new Promise(setImmediate);
    await revoke(id);
    const atOnce = (await recorded()).length;
    const { status, body } = await sending;
    const { accepted, refused, results } = body as {
      accepted: number;
      refused: number;
      results: { outcome: string; problem: { code: string; detail: string } | null }[];
    };
    expect([status, results.length]).toEqual([200, 1_000]);
    expect(refused).toBeGreaterThan(0);
    const made = await recorded();
    // Only a statement that began before the revocation may end after it.
    expect(made.length - atOnce).toBeLessThanOrEqual(1);
    expect(accepted).toBe(made.length);
    expect(results.map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => (n < accepted ? 'accepted' : 'refused')),
    );
    expect(results[accepted]?.problem).toMatchObject({ code: 'unauthenticated', detail: 'The key was revoked.' });
  });
});
