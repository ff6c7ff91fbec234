import { expect, it, vi } from 'vitest';
import { printAddresses, printFirstSteps } from './welcome.ts';

it.each([
  [false, 1],
  [true, 0],
])("the operator's own token is printed nowhere, one that was made here is (own: %s)", (isTokenGiven, times) => {
  const url = 'http://127.0.0.1:1';
  const urls = { apiUrl: url, exporterUrl: url, workerUrl: url, simulatorUrl: url };
  const running = { ...urls, accounts: new Map(), adminToken: 'the-token-itself', isTokenGiven, dataDir: '/data' };
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const said = (print: (given: typeof running) => void) => {
    log.mockClear();
    print(running);
    return log.mock.calls.flat().join('\n');
  };
  const told = [said(printAddresses), said(printFirstSteps)];
  log.mockRestore();
  for (const text of told) expect(text.split('the-token-itself').length - 1).toBe(times);
  for (const text of told) expect(text.includes('KPAY_ADMIN_TOKEN')).toBe(isTokenGiven);
});
