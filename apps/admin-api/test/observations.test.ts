import { simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { eventually } from '@kpay/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { forbiddenLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(forbiddenLedger());
});
beforeEach(() => api.empty());
afterAll(() => api.close());

/** For a second after a failure, the same error is answered without asking KPay. */
const fresh = (path: string) =>
  eventually(async () => {
    const answer = await api.ask(path);
    expect(answer.body).toMatchObject({ account: 'default', stale: false, ageSeconds: 0 });
    return answer;
  });

// The order matters: nothing has been read from KPay before the first test.
describe('what KPay says', () => {
  it('is 503 with Retry-After while KPay fails and nothing was read before', async () => {
    api.simulator.control.addFault({ fault: { kind: 'status', status: 500 } });
    for (const path of ['/v1/balances', '/v1/availability', '/v1/rates?from=XAF&to=XOF']) {
      const answer = await api.ask(path);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.body).toMatchObject({ code: 'kpay_unavailable', safeToRetry: true, moneyMoved: 'no' });
    }
  });

  it('shows the balances of the simulator as decimal strings, one for each currency', async () => {
    const { control } = api.simulator;
    control.setBalance({ country: 'KEN', balance: '1500.5', reservedBalance: '0.25' });
    control.addFault({ fault: { kind: 'balance_rows' } });
    const xaf = control.truth().wallets.filter(({ currency }) => currency === 'XAF');
    const { status, body } = await fresh('/v1/balances?account=default');
    expect(status).toBe(200);
    expect(Math.abs(Date.now() - Date.parse(String(body.askedAt)))).toBeLessThan(10_000);
    expect(xaf.length).toBeGreaterThan(1);
    const total = String(xaf.reduce((sum, { balance }) => sum + Number(balance), 0));
    expect(body.items).toContainEqual({ currency: 'XAF', balance: total, reservedBalance: '0', availableBalance: total });
    const kes = { currency: 'KES', balance: '1500.50', reservedBalance: '0.25', availableBalance: '1500.25' };
    expect(body.items).toContainEqual(kes);
  });

  it('shows rates and availability', async () => {
    api.simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 1.0153 });
    const rates = await fresh('/v1/rates?from=XAF&to=XOF');
    expect(rates.body).toMatchObject({ items: [{ from: 'XAF', to: 'XOF', rate: '1.0153' }] });
    const availability = await fresh('/v1/availability');
    const delayed = { operationType: 'PAYOUT', status: 'DELAYED', known: true };
    expect(availability.text).toContain(JSON.stringify(delayed));
  });

  it.each([503, 401])('is the last value with its age, marked stale, while KPay answers %i', async (status) => {
    const { body: before } = await fresh('/v1/balances');
    api.simulator.control.addFault({ fault: { kind: 'status', status } });
    const answer = await api.ask('/v1/balances');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ stale: true, askedAt: before.askedAt, items: before.items });
  });

  it('is not shown as the account’s while its keys are of another environment', async () => {
    const other = await startApi(forbiddenLedger());
    try {
      const { control, url } = other.simulator;
      const headers = { 'x-api-key': simulatorApiKey, 'x-secret-key': simulatorSecretKey };
      const me = (await (await fetch(`${url}/api/v1/payments/me`, { headers })).json()) as object;
      const body = JSON.stringify({ ...me, environment: 'PRODUCTION' });
      control.addFault({
        match: { endpoint: 'me' },
        fault: { kind: 'answer', status: 200, body, contentType: 'application/json' },
      });
      for (const path of ['/v1/balances', '/v1/availability', '/v1/rates?from=XAF&to=XOF']) {
        const answer = await other.ask(path);
        expect({ status: answer.status, body: answer.body }).toMatchObject({
          status: 503,
          body: { code: 'kpay_unavailable', detail: expect.stringContaining('its keys are for PRODUCTION') },
        });
      }
      expect(Object.keys(control.truth().requestCounts.byEndpoint)).toEqual(['me']);
      control.clearFaults();
      await eventually(async () => expect((await other.ask('/v1/balances')).status).toBe(200));
    } finally {
      await other.close();
    }
  });

  it('does not keep a person waiting while KPay hangs', async () => {
    await fresh('/v1/balances');
    api.simulator.control.addFault({ fault: { kind: 'hang' } });
    const answer = await api.ask('/v1/balances');
    expect(answer.body).toMatchObject({ stale: true });
    expect(answer.body.ageSeconds).toBeGreaterThan(3);
    expect(api.simulator.control.truth().requests.filter(({ ending }) => ending === 'open')).toHaveLength(1);
  });

  it('answers 404 for a pair that KPay does not know, and 400 for what cannot be one', async () => {
    const unknown = await api.ask('/v1/rates?from=XAF&to=QQQ');
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
    for (const [query, parameter] of [
      ['from=XAF', 'to'],
      ['from=xaf&to=XOF', 'from'],
      ['from=XAF&to=XOF&account=nobody', 'account'],
    ]) {
      const answer = await api.ask(`/v1/rates?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ code: 'invalid_request', parameter });
    }
  });

  it('asks KPay only for rates of its own currencies, and no refused pair again', async () => {
    const asked = () =>
      api.simulator.control.truth().requests.filter(({ path }) => path.startsWith('/api/v1/payments/exchange-rate')).length;
    const before = asked();
    for (const code of ['AAA', 'AAB', 'AAC', 'QQQ']) expect((await api.ask(`/v1/rates?from=XAF&to=${code}`)).status).toBe(404);
    expect(asked()).toBe(before);
    api.simulator.control.addFault({ match: { endpoint: 'exchange-rate' }, fault: { kind: 'status', status: 404 } });
    const began = performance.now();
    // Longer than the second for which a failure is repeated.
    while (performance.now() - began < 1_500) expect((await api.ask('/v1/rates?from=KES&to=XOF')).status).toBe(404);
    const quote = await api.ask('/v1/quotes', { body: { sourceCountry: 'KEN', destinationCountry: 'SEN' } });
    expect(quote.body.code).toBe('kpay_unavailable');
    expect(asked()).toBe(before + 1);
  });

  it('lists the accounts without their keys', async () => {
    const { body } = await api.ask('/v1/accounts');
    expect(body).toEqual({
      items: [{ name: 'default', environment: 'TEST', baseUrl: api.simulator.url }],
      nextCursor: null,
    });
  });
});
