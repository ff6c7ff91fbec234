import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connect, openSimulator } from '../../test/client.ts';
import { startSimulator } from '../index.ts';
import { openTruthFile } from './truth-file.ts';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('keeps the truth over a restart: transfers, balances, ids, rates, applications', async () => {
  const dataDir = makeFolder();
  const applications = [{ apiKey: 'kpay_test_b', secretKey: 's', wallets: [{ country: 'CMR', balance: 500 }] }];
  const first = await openSimulator({ dataDir, applications });
  first.control.setBalance({ country: 'CMR', balance: 900_000, reservedBalance: 5 });
  first.control.setRate({ from: 'XAF', to: 'XOF', rate: 1.5 });
  const token = await first.client.token();
  await first.client.transfer({ externalId: 'a', destinationCountry: 'SEN' }, token);
  const { transfers, wallets } = first.control.truth();
  await first.close();

  const richer = [{ apiKey: 'kpay_test_b', secretKey: 's', wallets: [{ country: 'CMR', balance: 1_000_000 }] }];
  const second = await openSimulator({ dataDir, applications: richer });
  expect(second.control.truth()).toMatchObject({ transfers, wallets, money: { conserved: true } });
  expect((await second.client.transfer({ externalId: 'a' }, token)).status).toBe(409);
  const { body } = await second.client.transfer({ externalId: 'b', destinationCountry: 'SEN' }, token);
  expect(body).toMatchObject({ exchangeRate: 1.5 });
  expect((body as { id: string }).id).not.toBe(transfers[0]?.id);
});

it('a torn last line was never answered: it is cut off, and what follows is whole', () => {
  const dataDir = makeFolder();
  const file = openTruthFile(dataDir);
  file.append({ type: 'rate_set', from: 'XAF', to: 'XOF', rate: 1 });
  file.close();
  appendFileSync(file.path, '{"type":"rate_set","from":"XA');

  const torn = openTruthFile(dataDir);
  expect(torn.events).toEqual([{ type: 'rate_set', from: 'XAF', to: 'XOF', rate: 1 }]);
  torn.append({ type: 'reset' });
  torn.close();
  const whole = openTruthFile(dataDir);
  whole.close();
  expect(whole.events.map(({ type }) => type)).toEqual(['rate_set', 'reset']);
  expect(readFileSync(whole.path, 'utf8').split('\n')).toHaveLength(3);
});

it('a broken line in the middle is an error that names the file and the line', async () => {
  const dataDir = makeFolder();
  const path = join(dataDir, 'simulator-truth.jsonl');
  writeFileSync(path, '{"type":"reset"}\nnot JSON\n{"type":"reset"}\n');
  await expect(startSimulator({ dataDir })).rejects.toThrow(`${path}:2 is not an event of the simulator`);
});

it('rotated keys are still those of the application after a restart', async () => {
  const dataDir = makeFolder();
  const first = await openSimulator({ dataDir });
  first.control.rotateKeys({ apiKey: 'kpay_test_new', secretKey: 'new' });
  await first.close();
  const second = await openSimulator({ dataDir });
  expect((await second.client.get('/api/v1/payments/me')).status).toBe(401);
  expect((await connect(second.url, 'kpay_test_new', 'new').get('/api/v1/payments/me')).status).toBe(200);
});
