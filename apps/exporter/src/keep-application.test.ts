import { openKpayAccount } from '@kpay/core';
import { createLogger } from '@kpay/runtime';
import { createSimulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { eventually } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { keepApplication } from './keep-application.ts';

it('keys of another environment raise an alarm, and do not end the process', async () => {
  const simulator = await createSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  const account = openKpayAccount({
    name: 'default',
    apiKey: simulatorApiKey,
    secretKey: simulatorSecretKey,
    baseUrl: simulator.url,
    environment: 'TEST',
    rateLimitPerMinute: 1_000,
  });
  onTestFinished(() => account.close());
  const logged: string[] = [];
  const logger = createLogger({ name: 'exporter', destination: { write: (line: string) => void logged.push(line) } });
  // KPay names another environment at /me than the one whose keys it took.
  const asked = Object.assign(Object.create(account), { environment: 'PRODUCTION' as const }) as typeof account;
  const keeper = keepApplication(asked, logger);
  await eventually(() => expect(logged.join('')).toContain('the keys are for TEST, and account default is PRODUCTION'));
  expect(logged.join('')).toContain('"alarm":"keys"');
  // Fails when the asking ended with an error.
  await keeper.close();
});
