import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { temporaryFolder } from '@kpay/testkit';
import { hashSync } from 'bcryptjs';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startHttp } from '../http/start-http.ts';
import { createLogger } from '../logging/logger.ts';
import { serveMetrics } from '../metrics/serve-metrics.ts';
import { SettingsError } from './setting-values.ts';
import { readWebConfig, type WebConfig } from './web-config.ts';

const FILES = join(import.meta.dirname, '../../test/web-config');
const good = (name: string) => readWebConfig(join(FILES, 'good', name));
const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

const usersOf = (users: Record<string, string>) => configOf({ basic_auth_users: users });

function configOf(config: object): WebConfig {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'web.yml');
  writeFileSync(path, JSON.stringify(config));
  return readWebConfig(path);
}

async function serve(web: WebConfig): Promise<string> {
  const routes = { '/metrics': serveMetrics({ registry: new Registry(), web }) };
  const logger = createLogger({ name: 'test', level: 'silent' });
  const server = await startHttp({ host: '127.0.0.1', port: 0, portSetting: 'PORT', routes, logger, tls: web.tls });
  onTestFinished(() => server.close());
  return server.url;
}

const statusFor = async (url: string, authorization?: string) =>
  (await fetch(`${url}/metrics`, { headers: authorization === undefined ? {} : { authorization } })).status;

it('lets users with their password and the token scrape, and tells others how', async () => {
  const url = await serve(good('users-and-token.yml'));
  for (const allowed of [basic('prometheus:open: sesame'), 'Bearer scrape-token'])
    expect(await statusFor(url, allowed)).toBe(200);
  const refused = [undefined, basic('prometheus:wrong'), basic('nobody:open: sesame'), 'Bearer wrong', 'Basic', 'Bearer'];
  for (const authorization of refused) expect(await statusFor(url, authorization), authorization).toBe(401);
  expect((await fetch(`${url}/metrics`)).headers.get('www-authenticate')).toBe('Basic realm="metrics", Bearer');
});

it('wrong passwords lock out no right one, from the same address or another', { timeout: 20_000 }, async () => {
  const web = usersOf({ prometheus: hashSync('right', 10) });
  const guesses = Array.from({ length: 200 }, (_, n) => web.admits(basic(`prometheus:guess-${n}`), '10.0.0.1'));
  const startedMs = performance.now();
  expect(await web.admits(basic('prometheus:right'), '10.0.0.2')).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect(await Promise.all(guesses)).not.toContain(true);
  // A scraper with an old password, again and again from the same address.
  const again = usersOf({ prometheus: hashSync('right', 10) });
  expect(await again.admits(basic('prometheus:old'), '10.0.0.1')).toBe(false);
  const old = Array.from({ length: 200 }, () => again.admits(basic('prometheus:old'), '10.0.0.1'));
  expect(await again.admits(basic('prometheus:right'), '10.0.0.1')).toBe(true);
  expect(await Promise.all(old)).not.toContain(true);
});

it('a user that does not exist takes as long as one that does, at whatever costs', { timeout: 60_000 }, async () => {
  const web = usersOf({ cheap: hashSync('x', 4), dear: hashSync('x', 11) });
  const timesMs: Record<string, number> = { cheap: Infinity, dear: Infinity, nobody: Infinity };
  for (let round = 0; round < 3; round += 1) {
    for (const user of Object.keys(timesMs)) {
      const startedMs = process.cpuUsage();
      expect(await web.admits(basic(`${user}:wrong-${round}`), `${user}-${round}`)).toBe(false);
      timesMs[user] = Math.min(timesMs[user] ?? 0, process.cpuUsage(startedMs).user / 1_000);
    }
  }
  const [least, most] = [Math.min(...Object.values(timesMs)), Math.max(...Object.values(timesMs))];
  expect(most / least).toBeLessThan(1.5);
});

it('the metrics are told under no name that a page of somebody else could have', async () => {
  const statusAs = async (url: string, host: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    plainRequest(`${url}/metrics`, { headers: { host } }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
    return promise;
  };
  const url = await serve(usersOf({}));
  for (const host of ['localhost:9464', '127.0.0.1', '[::1]:1', 'kpay.localhost', 'LOCALHOST.'])
    expect(await statusAs(url, host)).toBe(200);
  for (const host of ['evil.example', 'localhost.evil.example:1', '127.0.0.1.evil.example', '@', 'worker']) {
    expect(await statusAs(url, host), host).toBe(421);
  }
  const named = await serve(configOf({ allowed_hosts: ['Worker'] }));
  expect([await statusAs(named, 'worker:9465'), await statusAs(named, 'evil.example')]).toEqual([200, 421]);
});

it('with TLS the server speaks https, by the certificate of the file', async () => {
  const url = await serve(good('tls.yml'));
  expect(url).toMatch(/^https:/);
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const ca = readFileSync(join(FILES, 'good/server.crt'));
  request(`${url}/metrics`, { ca }, ({ statusCode }) => resolve(statusCode))
    .on('error', reject)
    .end();
  expect(await promise).toBe(200);
  await expect(fetch(`${url.replace('https', 'http')}/metrics`)).rejects.toThrow();
});

describe('a file that cannot be meant is refused in one line that names the place, and no hash', () => {
  const messages: Readonly<Record<string, string>> = {
    'plain-password.yml': 'basic_auth_users.prometheus must be a bcrypt hash',
    'unknown-key.yml': 'has what is not supported: http_server_config',
    'not-yaml.txt': 'is not YAML (line 3)',
    'only-text.yml': 'must be names with values, such as basic_auth_users',
    'no-key.yml': 'tls_server_config.key_file must be text',
    'missing-certificate.yml': 'tls_server_config.cert_file cannot be read (ENOENT: ',
    'no-certificate.yml': 'tls_server_config cannot be used (',
    'no-client-ca.yml': 'tls_server_config.client_ca_file must name who signs the certificates of clients',
    'client-auth.yml': 'tls_server_config.client_auth_type must be NoClientCert or RequireAndVerifyClientCert',
    'no-token.yml': 'bearer_token_file cannot be read (ENOENT: ',
  };
  it('each file has its message', () => {
    expect(Object.keys(messages).toSorted()).toEqual(readdirSync(join(FILES, 'bad')).toSorted());
  });
  for (const [name, message] of Object.entries(messages)) {
    it(name, () => {
      const path = join(FILES, 'bad', name);
      const read = () => readWebConfig(path);
      expect(read).toThrow(SettingsError);
      expect(read).toThrow(`KPAY_WEB_CONFIG_FILE ${path}: ${message}`);
      expect(read).not.toThrow(/hush|\n/);
    });
  }
});
