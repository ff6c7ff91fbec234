import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createSimulator } from '@kpay/simulator';
import { freePort, temporaryFolder } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkAddress } from '../src/stores/doctor/check-address.ts';
import { checkDataFolder } from '../src/stores/doctor/check-data-folder.ts';
import { checkProxy } from '../src/stores/doctor/check-proxy.ts';
import { examine } from '../src/stores/doctor/doctor.ts';
import { exitCodeOf, type Finding } from '../src/stores/doctor/finding.ts';
import { runKpay, settingsFor, startKpay } from './start-kpay.ts';

const TEST_TIMEOUT_MS = 60_000;

function ownFolder(): string {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  chmodSync(folder.path, 0o700);
  return folder.path;
}

/** A server that answers with `answer`. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void, host = '127.0.0.1'): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}

const KEYS = { KPAY_API_KEY: 'kpay_test_doctor', KPAY_SECRET_KEY: 'secret' };

async function findingsOf(env: Record<string, string>): Promise<Map<string, Finding>> {
  return new Map((await examine(env)).map((each) => [each.check, each]));
}

describe('the way through a proxy', () => {
  /** A proxy that answers each CONNECT with this status and records the requests. */
  async function proxyThatSays(status: number): Promise<{ url: string; asked: IncomingMessage[] }> {
    const asked: IncomingMessage[] = [];
    const server = createServer().on('connect', (request, socket) => {
      asked.push(request);
      socket.end(`HTTP/1.1 ${status} So\r\n\r\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return { url: `http://user:h%40sh@127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  it('is good where the proxy opens a tunnel, and shows no password', async () => {
    const { url, asked } = await proxyThatSays(200);
    const found = await checkProxy('https://kpay.example', url);
    expect(found).toEqual({ check: 'way to kpay.example', verdict: 'good', what: `through the proxy ${new URL(url).host}` });
    expect(asked[0]).toMatchObject({
      url: 'kpay.example:443',
      headers: { 'proxy-authorization': `Basic ${Buffer.from('user:h@sh').toString('base64')}` },
    });
  });

  it.each([403, 407, 502])('is wrong where it refuses the tunnel (%d)', async (status) => {
    const { url } = await proxyThatSays(status);
    const found = await checkProxy('https://kpay.example:8443', url);
    expect(found).toMatchObject({
      verdict: 'wrong',
      what: `through the proxy ${new URL(url).host}, which refuses it (${status})`,
    });
    expect(JSON.stringify(found)).not.toContain('sh@');
  });

  it('is wrong where nobody answers', async () => {
    const found = await checkProxy('https://kpay.example', `http://127.0.0.1:${await freePort()}`);
    expect(found).toMatchObject({
      verdict: 'wrong',
      what: expect.stringContaining('which does not answer (connect ECONNREFUSED'),
    });
  });

  it('is what doctor looks at when the environment names one', async () => {
    const { url } = await proxyThatSays(403);
    const found = await findingsOf({
      ...KEYS,
      KPAY_DATA_DIR: join(ownFolder(), 'none'),
      KPAY_BASE_URL: 'https://kpay.example',
      HTTPS_PROXY: url,
    });
    expect(found.get('way to kpay.example')).toMatchObject({
      verdict: 'wrong',
      what: expect.stringContaining('refuses it (403)'),
    });
    expect(found.get('account default')?.what).toContain('no connection to KPay');
  });
});

describe('kpay doctor, embedded', { timeout: TEST_TIMEOUT_MS }, () => {
  it('finds nothing wrong with a new installation, and makes nothing', async () => {
    const folder = join(ownFolder(), 'not-yet');
    const doctor = runKpay(['doctor'], { KPAY_DATA_DIR: folder });
    expect(await doctor.ended).toEqual({ code: 0, signal: null });
    expect(doctor.stderr()).toBe('');
    expect(doctor.stdout()).toContain('Nothing is wrong.');
    expect(() => chmodSync(folder, 0o700)).toThrow(/ENOENT/);
  });

  it('examines ledger, queues and KPay, also while kpay runs on the folder', async () => {
    const simulator = await createSimulator({ port: 0 });
    onTestFinished(() => simulator.close());
    const settings = settingsFor(simulator, ownFolder());
    const running = await startKpay(settings);
    const meanwhile = runKpay(['doctor', '--json'], { ...settings, ADMIN_API_PORT: new URL(running.apiUrl).port });
    expect(await meanwhile.ended).toEqual({ code: 0, signal: null });
    const told = JSON.parse(meanwhile.stdout()) as { findings: Finding[] };
    expect(told.findings.find(({ check }) => check === 'reviews')).toMatchObject({ verdict: 'good' });
    expect(
      await findingsOf({ ...settings, ADMIN_API_PORT: String(await freePort()) }).then((found) => found.get('reviews')),
    ).toMatchObject({
      verdict: 'wrong',
      what: expect.stringMatching(/its API does not answer/),
      fix: expect.stringMatching(/ADMIN_API_PORT/),
    });
    await running.end('SIGTERM');

    const found = await findingsOf(settings);
    expect([...found.values()].filter(({ verdict }) => verdict !== 'good')).toEqual([]);
    expect([...found.keys()]).toEqual(
      expect.arrayContaining(['data folder', 'schema', 'epoch', 'reviews', 'queues', 'account default']),
    );
  });

  it('says which setting is wrong, with the exit code 1 and no secret', async () => {
    const doctor = runKpay(['doctor'], { ...KEYS, DATABASE_URL: 'postgres://kpay:hush@db/kpay' });
    expect(await doctor.ended).toEqual({ code: 1, signal: null });
    expect(doctor.stdout()).toMatch(/WRONG {4}settings {2}DATABASE_URL is set but REDIS_URL is not/);
    expect(doctor.stdout() + doctor.stderr()).not.toMatch(/hush|kpay_test_doctor/);
  });

  it('exits with 1 and the command that fixes it when others may enter the folder', async () => {
    const folder = ownFolder();
    chmodSync(folder, 0o755);
    const doctor = runKpay(['doctor'], { KPAY_DATA_DIR: folder });
    expect(await doctor.ended).toEqual({ code: 1, signal: null });
    expect(doctor.stdout()).toMatch(/WRONG {4}data folder {2}.*is open to other users.*\n.*-> chmod 700/);
  });

  it('exits with 0 when somebody should only look, and with 1 when that is strict', () => {
    const warning: Finding = { check: 'reviews', verdict: 'warning', what: 'one waits' };
    expect(exitCodeOf([{ ...warning, verdict: 'good' }, warning])).toBe(0);
    expect(exitCodeOf([{ ...warning, verdict: 'good' }, warning], { strict: true })).toBe(1);
    expect(exitCodeOf([warning, { ...warning, verdict: 'wrong' }])).toBe(1);
  });
});

describe('KPay', { timeout: TEST_TIMEOUT_MS }, () => {
  const me = (environment: string) => ({ application: { id: 'a', name: 'A' }, company: { id: 'c', name: 'C' }, environment });
  const ofKpay = async (answer: (response: ServerResponse) => void) => {
    const url = await serve((_request, response) => answer(response));
    const found = await findingsOf({ ...KEYS, KPAY_BASE_URL: url, KPAY_DATA_DIR: join(ownFolder(), 'not-yet') });
    return { found, host: new URL(url).host };
  };

  it('whose clock is another than ours', async () => {
    const { found, host } = await ofKpay((response) => {
      response.setHeader('date', new Date(Date.now() + 30_000).toUTCString());
      response.end(JSON.stringify(me('TEST')));
    });
    expect(found.get(`clock of ${host}`)).toMatchObject({
      verdict: 'wrong',
      what: expect.stringMatching(/^KPay is (2[5-9]|3[0-5])\.\d s ahead of this machine/),
      fix: expect.stringMatching(/set-ntp/),
    });
    expect(found.get('account default')).toMatchObject({ verdict: 'good' });
  });

  it('that knows the keys as another environment than the settings', async () => {
    const { found } = await ofKpay((response) => void response.end(JSON.stringify(me('PRODUCTION'))));
    expect(found.get('account default')).toMatchObject({
      verdict: 'wrong',
      what: expect.stringMatching(/for PRODUCTION.*TEST/),
      fix: expect.stringMatching(/KPAY_ENVIRONMENT/),
    });
  });

  it('that refuses the keys', async () => {
    const { found } = await ofKpay((response) => void response.writeHead(401).end('{"statusCode":401,"message":"Unauthorized"}'));
    expect(found.get('account default')).toMatchObject({
      verdict: 'wrong',
      what: expect.stringMatching(/refuses its keys \(401\)/),
      fix: expect.stringMatching(/API key/),
    });
  });

  it('that is out of reach', async () => {
    const port = await freePort();
    const found = await findingsOf({
      ...KEYS,
      KPAY_BASE_URL: `http://127.0.0.1:${port}`,
      KPAY_DATA_DIR: join(ownFolder(), 'not-yet'),
    });
    expect(found.get(`way to 127.0.0.1:${port}`)).toMatchObject({
      verdict: 'wrong',
      fix: expect.stringMatching(/KPAY_BASE_URL/),
    });
    expect(found.get('account default')).toMatchObject({ verdict: 'wrong', fix: expect.stringMatching(/^curl/) });
  });
});

describe('the way to KPay', () => {
  const four = { address: '127.0.0.1', family: 4 };
  // Nothing answers at this address (RFC 3849).
  const six = { address: '2001:db8::1', family: 6 };
  const at =
    (...addresses: { address: string; family: number }[]) =>
    async () =>
      addresses;

  it('is good over what the name has', async () => {
    const url = await serve((_request, response) => void response.end());
    expect(await checkAddress(url, false, at(four))).toMatchObject({ verdict: 'good', what: 'over IPv4' });
    expect(await checkAddress(url, true, at(four, six))).toMatchObject({ verdict: 'good', what: 'over IPv4' });
  });

  it('is worth a look where IPv6 does not answer, and KPAY_IPV4_ONLY fixes it', async () => {
    const url = await serve((_request, response) => void response.end());
    const found = await checkAddress(url, false, at(four, six));
    expect(found).toMatchObject({
      verdict: 'warning',
      what: expect.stringMatching(/IPv6/),
      fix: expect.stringMatching(/KPAY_IPV4_ONLY=1/),
    });
  });

  it('is closed where the name is not resolved', async () => {
    const found = await checkAddress('https://kpay.invalid', false);
    expect(found).toMatchObject({
      verdict: 'wrong',
      what: expect.stringMatching(/not resolved/),
      fix: expect.stringMatching(/getent/),
    });
  });
});

describe('a data folder', () => {
  const system = { accessSync: () => {}, statfsSync: () => ({ type: 0xef53, bavail: 1_000_000, bsize: 4_096 }) };

  it('that is a file', () => {
    const path = join(ownFolder(), 'file');
    writeFileSync(path, '');
    expect(checkDataFolder(path)).toMatchObject({
      verdict: 'wrong',
      what: expect.stringMatching(/not a folder/),
      fix: expect.stringMatching(/KPAY_DATA_DIR/),
    });
  });

  it('that cannot be written', () => {
    const accessSync = () => {
      throw new Error('EACCES');
    };
    expect(checkDataFolder(ownFolder(), { ...system, accessSync })).toMatchObject({
      verdict: 'wrong',
      fix: expect.stringMatching(/^chown/),
    });
  });

  it('on a network', () => {
    const statfsSync = () => ({ ...system.statfsSync(), type: 0x6969 });
    expect(checkDataFolder(ownFolder(), { ...system, statfsSync })).toMatchObject({
      verdict: 'wrong',
      what: expect.stringMatching(/NFS/),
      fix: expect.stringMatching(/local disk/),
    });
  });

  it('that others can read', () => {
    const path = join(ownFolder(), 'open');
    mkdirSync(path, { mode: 0o755 });
    expect(checkDataFolder(path)).toMatchObject({ verdict: 'wrong', fix: expect.stringMatching(/^chmod 700/) });
  });

  it('on a full disk', () => {
    const statfsSync = () => ({ ...system.statfsSync(), bavail: 1_000 });
    expect(checkDataFolder(ownFolder(), { ...system, statfsSync })).toMatchObject({
      verdict: 'warning',
      fix: expect.stringMatching(/^df/),
    });
  });
});
