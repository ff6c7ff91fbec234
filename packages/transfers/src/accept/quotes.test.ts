import { randomUUID } from 'node:crypto';
import type { QuoteRow } from '@kpay/ledger';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, order, type Stage } from '../../test/stage.ts';
import { replayTransfer } from '../faces/operations.ts';
import { advanceTransfer, type TransferEngine } from '../faces/worker.ts';
import { acceptTransfer, listTransferEvents, parseQuoteRequest, presentQuote, quote } from '../index.ts';
import { floorOf } from './quotes.ts';

let stage: Stage;
let engine: TransferEngine;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const corridor = { sourceCountry: 'CMR', destinationCountry: 'SEN' };

async function ask(body: Record<string, unknown> = {}): Promise<QuoteRow> {
  engine = await stage.engine();
  return quote(stage.ledger, engine.account, parseQuoteRequest({ ...corridor, ...body }), { by: 'ann' });
}

describe('a quote', () => {
  it("shows KPay's rate, its age, a floor 1 % below it and an end in ten minutes", async () => {
    const found = await ask();
    expect(found).toMatchObject({ account: 'default', rate: '1.0153', floor: '1.005147', amount_minor: null, created_by: 'ann' });
    expect(found.rate_asked_at.getTime()).toBeLessThanOrEqual(found.created_at.getTime());
    expect(found.expires_at.getTime() - found.created_at.getTime()).toBe(600_000);
  });

  it('shows what would arrive, how old the rate was and how far the floor is below it', async () => {
    const found = await ask({ amount: 100_000, tolerancePercent: 2.5 });
    const again = await quote(stage.ledger, engine.account, parseQuoteRequest(corridor), { by: 'ann' });
    expect(presentQuote(found)).toMatchObject({
      estimate: '101530',
      tolerancePercent: 2.5,
      rateAgeSeconds: expect.closeTo(0, 0),
    });
    expect(presentQuote({ ...again, rate_asked_at: new Date(again.created_at.getTime() - 90_500) })).toMatchObject({
      estimate: null,
      tolerancePercent: 1,
      rateAgeSeconds: 90.5,
    });
  });

  it('costs KPay one read of the rate however many are asked for', async () => {
    await ask();
    const options = { by: 'ann' };
    for (let n = 0; n < 5; n++) await quote(stage.ledger, engine.account, parseQuoteRequest(corridor), options);
    expect(stage.simulator.control.truth().requestCounts.byEndpoint).toMatchObject({ 'exchange-rate': 1 });
  });

  it.each([
    ['1.0153', 100, '1.005147'],
    ['1', 0, '1'],
    ['655.957', 25, '654.3171075'],
    ['0.0015', 1_000, '0.00135'],
  ])('%s less %i basis points is %s, exactly', (rate, tolerance, floor) => {
    expect(floorOf(rate, tolerance)).toBe(floor);
  });

  it.each([
    [{ tolerancePercent: 11 }, 'tolerancePercent: must be at most 10'],
    [{ validForSeconds: 3_601 }, 'validForSeconds: must be at most 3600'],
    [{ amount: 1 }, 'amount: must be from 100'],
    [{ destinationCountry: 'CMR' }, 'destinationCountry: must differ'],
    [{ rate: 2 }, 'rate: is not a field'],
  ])('is refused for %j', (body, problem) => {
    expect(() => parseQuoteRequest({ ...corridor, ...body })).toThrow(problem);
  });
});

describe('a transfer with a quote', () => {
  it('takes its floor as minRate, is held below it, and says at which rate it was sent', async () => {
    const found = await ask({ amount: 100_000 });
    const row = await stage.accept({ quoteId: found.id });
    expect(row).toMatchObject({ quote_id: found.id, min_rate: found.floor });
    stage.simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 1.0051 });
    await engine.account.observations.rate('XAF', 'XOF', { lane: 'checks', maxAgeMs: 0 });
    expect(await advanceTransfer(engine, row.id, never)).toMatchObject({ state: 'holding', reason_code: 'rate_below_minimum' });
    stage.simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 1.0052 });
    await engine.account.observations.rate('XAF', 'XOF', { lane: 'checks', maxAgeMs: 0 });
    const { due_at: due } = await stage.find(row.id);
    stage.ledger.passMs(Number(due) - stage.ledger.now().getTime() + 1);
    expect(await advanceTransfer(engine, row.id, never)).toMatchObject({ state: 'succeeded' });
    const events = await listTransferEvents(stage.ledger, row.id);
    expect(events.at(-1)?.detail).toMatchObject({ appliedRate: '1.0052', belowMinRate: false });
  });

  it.each([
    ['of another corridor', {}, { destinationCountry: 'GAB' }, 'is a quote for CMR-SEN'],
    ['of another amount', { amount: 50_000 }, {}, 'is a quote for 50000 XAF'],
    ['beside a minRate', {}, { minRate: 1 }, 'minRate: must be left out'],
  ])('%s is refused', async (_what, asked, request, problem) => {
    const { id } = await ask(asked);
    await expect(stage.accept({ quoteId: id, ...request })).rejects.toThrow(problem);
  });

  it('is refused when there is no such quote, or it is of another account', async () => {
    await expect(stage.accept({ quoteId: randomUUID() })).rejects.toThrow('quoteId: there is no such quote');
    const { id } = await ask();
    const theirs = { account: 'other', owner: 'admin', body: { ...order, quoteId: id } };
    await expect(acceptTransfer(stage.ledger, new Set(['other']), theirs)).rejects.toThrow('quoteId: there is no such quote');
  });

  it('is judged when it is accepted: late is refused, in time may be sent later', async () => {
    const { id } = await ask({ validForSeconds: 10 });
    const row = await stage.accept({ quoteId: id });
    const { id: unused } = await ask({ validForSeconds: 10 });
    stage.ledger.passMs(11_000);
    await expect(stage.accept({ externalId: 'late', quoteId: unused })).rejects.toThrow('quoteId: expired at');
    expect(await stage.settle(row.id, engine)).toMatchObject({ state: 'succeeded' });
  });

  it('repeated gives the same transfer, however late; no other order can use it', async () => {
    const { id } = await ask({ validForSeconds: 10 });
    const first = await stage.accept({ quoteId: id });
    stage.ledger.passMs(11_000);
    expect(await stage.accept({ quoteId: id })).toMatchObject({ id: first.id });
    await expect(stage.accept({ externalId: 'other', quoteId: id })).rejects.toThrow('quoteId: was used for another transfer');
    await expect(stage.accept({})).rejects.toThrow('already used for a different transfer');
  });

  it('ordered many times at once makes one transfer; one of different orders gets it', async () => {
    const { id } = await ask();
    const twins = await Promise.all(Array.from({ length: 5 }, () => stage.accept({ quoteId: id })));
    expect(new Set(twins.map((row) => row.id)).size).toBe(1);
    const { id: wanted } = await ask();
    const others = await Promise.allSettled([1, 2, 3, 4].map((n) => stage.accept({ externalId: `n-${n}`, quoteId: wanted })));
    expect(others.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('made again keeps the floor, and needs no quote', async () => {
    const { id } = await ask();
    stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'status', status: 400 } });
    const row = await stage.accept({ quoteId: id });
    await advanceTransfer(engine, row.id, never);
    const replayed = await replayTransfer(stage.ledger, new Set(['default']), row.id, { owner: 'admin', externalId: 'again' });
    expect(replayed).toMatchObject({ acceptance: { transfer: { min_rate: row.min_rate, quote_id: null } } });
  });
});
