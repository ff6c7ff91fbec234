import { expect, it } from 'vitest';
import { simulatorApplication } from './application.ts';
import { checkMoney } from './check-money.ts';
import { Kpay } from './kpay.ts';
import type { TruthEvent } from './truth-event.ts';

function open(seed = 1) {
  const clock = { now: 1_800_000_000_000 };
  const events: TruthEvent[] = [];
  const disk = { full: false };
  const record = (event: TruthEvent) => {
    if (disk.full) throw new Error('no space left');
    events.push(JSON.parse(JSON.stringify(event)) as TruthEvent);
  };
  const kpay = new Kpay({ now: () => clock.now, seed, record });
  const application = kpay.addApplication(simulatorApplication);
  const order = (fields: object = {}) => ({
    applicationId: application.id,
    sourceCountry: 'CMR',
    destinationCountry: 'GAB',
    amount: 50_000,
    ...fields,
  });
  return { kpay, application, order, clock, events, disk };
}

it('it runs under a clock of the test alone', () => {
  const { kpay, application, order, clock } = open();
  clock.now = 0;
  expect(kpay.transfer(application, order()).createdAt).toBe('1970-01-01T00:00:00.000Z');
});

it('ids follow from the seed, and never come twice, not after a reset either', () => {
  const [one, same, other] = [open(1), open(1), open(2)].map(({ kpay, application, order }) => {
    const before = kpay.transfer(application, order()).id;
    kpay.reset();
    const after = kpay.transfer(kpay.applications[0] ?? application, order()).id;
    return [before, after];
  });
  expect(one).toEqual(same);
  expect(new Set([...(one ?? []), ...(other ?? [])]).size).toBe(4);
});

it('what could not be recorded has not happened', () => {
  const { kpay, application, order, disk } = open();
  disk.full = true;
  expect(() => kpay.transfer(application, order({ externalId: 'x' }))).toThrow('no space left');
  expect(kpay.balance(application)[0]).toMatchObject({ currency: 'XAF', balance: 30_000_000 });
  disk.full = false;
  expect(kpay.transfer(application, order({ externalId: 'x' })).externalId).toBe('x');
});

it('a journal of its events gives the same truth again', () => {
  const { kpay, application, order, events } = open();
  kpay.setBalance(application, { country: 'CMR', balance: '900000', reservedBalance: 100 });
  kpay.setRate('XAF', 'KES', 0.21, false);
  const undone = kpay.transfer(application, order({ externalId: 'undone' }));
  kpay.transfer(application, order({ destinationCountry: 'KEN', externalId: 'kept', amount: 333 }));
  kpay.undoTransfer(undone.id, 'CANCELLED');
  kpay.burnId(application, 'burnt');
  kpay.setAvailability('GHA', 'MTN_MOMO_GHA', 'PAYOUT', 'CLOSED', false);

  const again = new Kpay({ now: () => 0, seed: 1 });
  for (const event of events) again.apply(event);
  expect(again.transfers).toEqual(kpay.transfers);
  expect(again.applications).toEqual(kpay.applications);
  expect(again.availability()).toEqual(kpay.availability());
  expect(again.exchangeRate('XAF', 'KES')).toBe(0.21);
  expect(checkMoney(again.applications, again.transfers)).toEqual([]);
});

it('the money check sees a franc from nowhere and an id that was used twice', () => {
  const { kpay, application, order } = open();
  const transfer = kpay.transfer(application, order({ externalId: 'x' }));
  expect(checkMoney(kpay.applications, kpay.transfers)).toEqual([]);
  const wallet = application.wallets[0];
  if (wallet) wallet.balanceMinor += 1n;
  expect(checkMoney(kpay.applications, kpay.transfers)).toEqual([`${application.id} CMR XAF holds 9950001 instead of 9950000`]);
  expect(checkMoney(kpay.applications, [...kpay.transfers, transfer])).toContain(
    `externalId x of application ${application.id} has two completed transfers`,
  );
});
