import { join } from 'node:path';
import { createSimulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { adminToken, settingsFor, startKpay } from './start-kpay.ts';

it("the environment's rules hold transfers, free them, and refuse impossible ones", {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  const simulator = await createSimulator({ port: 0 });
  onTestFinished(async () => {
    await simulator.close();
    folder.remove();
  });
  const payouts = (status: string) => {
    for (const provider of ['ORANGE_SEN', 'FREE_SEN']) {
      simulator.control.setAvailability({ country: 'SEN', provider, operationType: 'PAYOUT', status });
    }
  };
  payouts('CLOSED');
  const { apiUrl } = await startKpay({
    ...settingsFor(simulator, join(folder.path, 'data')),
    KPAY_CHECK_DESTINATION_PAYOUTS: '1',
    KPAY_OBSERVE_AVAILABILITY_SECONDS: '1',
    KPAY_SPEND_LIMITS: 'XAF:150000:24',
    KPAY_SEND_WINDOW: 'Africa/Douala mon,tue,wed,thu,fri,sat,sun 00:00-24:00',
  });
  const order = (externalId: string, amount: number) => ({ externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount });
  const becomes = (id: string, expected: object) =>
    eventually(async () => expect(await getTransfer(apiUrl, id)).toMatchObject(expected), { timeoutMs: 20_000 });

  const first = await postTransfer(apiUrl, order('first', 100_000));
  await becomes(first.id, { state: 'holding', reasonCode: 'destination_payouts_unavailable' });
  payouts('OPERATIONAL');
  await becomes(first.id, { state: 'succeeded' });

  const second = await postTransfer(apiUrl, order('second', 100_000));
  await becomes(second.id, {
    state: 'holding',
    reason: 'waiting for the limit of 150000 XAF in 24 hours: 100000 XAF is sent already, 100000 is to be sent',
  });

  const refused = await fetch(`${apiUrl}/v1/transfers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(order('too-much', 150_001)),
  });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    pointer: '/amount',
    detail: "amount: must be within the account's limit of 150000 XAF in 24 hours",
  });
});
