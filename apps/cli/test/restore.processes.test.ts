import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createSimulator } from '@kpay/simulator';
import { eventually, freePort, temporaryFolder } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { runKpay, settingsFor, startKpay } from './start-kpay.ts';

const order = (externalId: string) => ({ externalId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 });

async function kpay(args: string[], settings: Record<string, string>): Promise<string> {
  const command = runKpay(args, settings);
  const { code } = await command.ended;
  if (code !== 0) throw new Error(command.stderr());
  return command.stdout();
}

it('a database put back from a copy sends nothing until kpay restore finish', {
  timeout: 120_000,
}, async () => {
  const simulator = await createSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const settings = { ...settingsFor(simulator, folder.path), ADMIN_API_PORT: String(await freePort()) };
  const [data, backup] = [join(folder.path, 'postgres'), join(folder.path, 'postgres.backup')];

  const first = await startKpay(settings);
  await first.end('SIGTERM');
  cpSync(data, backup, { recursive: true });
  const second = await startKpay(settings);
  const { id } = await postTransfer(second.apiUrl, order('lost'));
  await eventually(async () => expect((await getTransfer(second.apiUrl, id)).state).toBe('succeeded'), { timeoutMs: 15_000 });
  await second.end('SIGTERM');
  rmSync(data, { recursive: true });
  cpSync(backup, data, { recursive: true });

  const restored = await startKpay(settings);
  expect(restored.stderr()).toContain('kpay restore finish');
  // The caller repeats the order that the ledger forgot.
  const again = await postTransfer(restored.apiUrl, order('lost'));
  expect(await kpay(['rebuild-queue'], settings)).toMatch(/^default: \d+ advance jobs removed, 1 made$/m);
  expect(await kpay(['restore', 'finish'], settings)).toContain('1 unfinished transfers are in review');
  expect(await getTransfer(restored.apiUrl, again.id)).toMatchObject({ state: 'review', reasonCode: 'restored' });
  const next = await postTransfer(restored.apiUrl, order('next'));
  await eventually(async () => expect((await getTransfer(restored.apiUrl, next.id)).state).toBe('succeeded'), {
    timeoutMs: 15_000,
  });
  expect(simulator.control.truth().transferCount).toBe(2);

  await expect(kpay(['rebuild-queue'], { ...settings, ADMIN_API_PORT: String(await freePort()) })).rejects.toThrow(
    'set ADMIN_API_PORT to its port',
  );
  await expect(kpay(['rebuild-queue'], { ...settings, KPAY_ADMIN_TOKEN: 'another' })).rejects.toThrow('Set KPAY_ADMIN_TOKEN');
  await restored.end('SIGTERM');
  // No process holds the folder now, so the command opens it itself.
  const settled = await kpay(['restore', 'settle', '--as', 'happened', '--reason', 'seen'], settings);
  expect(settled).toContain('1 settled as happened');
});
