import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { captureStreams } from '../../test/captured-io.ts';
import { connect } from '../api/connect.ts';
import { openIo } from '../framework/io.ts';
import { profilesFile, readProfiles, writeProfiles } from './profiles.ts';

function ownFolder(): string {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  return folder.path;
}

const prod = { url: 'https://ops.example/', key: 'kops_prod' };
const test = { url: 'http://127.0.0.1:8080/', key: 'kops_test' };

async function connected(env: NodeJS.ProcessEnv, options: { profile?: string; url?: string; keyFile?: string } = {}) {
  const { url, profile } = await connect({
    env,
    io: openIo(env, captureStreams().streams),
    signal: new AbortController().signal,
    ...options,
  });
  return { url, profile };
}

describe('profiles', () => {
  it('are kept in the folder that each system has for settings', () => {
    expect(profilesFile({ HOME: '/home/a' }, 'linux')).toBe('/home/a/.config/kpay/profiles.json');
    expect(profilesFile({ HOME: '/home/a', XDG_CONFIG_HOME: '/x' }, 'linux')).toBe('/x/kpay/profiles.json');
    expect(profilesFile({ HOME: '/home/a', XDG_CONFIG_HOME: 'relative' }, 'linux')).toBe('/home/a/.config/kpay/profiles.json');
    expect(profilesFile({ HOME: '/Users/a' }, 'darwin')).toBe('/Users/a/Library/Application Support/kpay/profiles.json');
    expect(profilesFile({ HOME: '/home/a', KPAY_CONFIG_DIR: '/c' }, 'linux')).toBe('/c/profiles.json');
  });

  it('are readable for their owner alone, also where a folder or file is there already', () => {
    const env = { KPAY_CONFIG_DIR: join(ownFolder(), 'kpay') };
    const file = writeProfiles(env, { current: 'prod', profiles: { prod } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(env.KPAY_CONFIG_DIR).mode & 0o777).toBe(0o700);
    writeProfiles(env, { current: 'test', profiles: { prod, test } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readProfiles(env)).toEqual({ current: 'test', profiles: { prod, test } });
  });

  it('that others may read are refused, and so is what is no file of profiles', () => {
    const env = { KPAY_CONFIG_DIR: ownFolder() };
    const file = writeProfiles(env, { current: null, profiles: { prod } });
    chmodSync(file, 0o644);
    expect(() => readProfiles(env)).toThrow(expect.objectContaining({ code: 4, message: expect.stringContaining('chmod 600') }));
    writeFileSync(file, '{"profiles": {"a": {}}}');
    chmodSync(file, 0o600);
    expect(() => readProfiles(env)).toThrow(expect.objectContaining({ code: 4 }));
    expect(readFileSync(file, 'utf8')).toContain('"a"');
  });

  it('give way to what is named, and then to the environment', async () => {
    const env = { KPAY_CONFIG_DIR: ownFolder() };
    writeProfiles(env, { current: 'prod', profiles: { prod, test } });
    const token = { KPAY_API_URL: 'http://localhost:1/', KPAY_TOKEN: 'kops_env' };
    expect(await connected(env)).toEqual({ url: prod.url, profile: 'prod' });
    expect(await connected({ ...env, ...token })).toEqual({ url: 'http://localhost:1/', profile: null });
    expect(await connected({ ...env, ...token, KPAY_PROFILE: 'test' })).toEqual({ url: test.url, profile: 'test' });
    expect(await connected({ ...env, KPAY_PROFILE: 'test' }, { profile: 'prod' })).toEqual({ url: prod.url, profile: 'prod' });
  });

  it('never send a stored key to another address', async () => {
    const env = { KPAY_CONFIG_DIR: ownFolder() };
    writeProfiles(env, { current: 'prod', profiles: { prod } });
    await expect(connected(env, { url: 'https://elsewhere.example' })).rejects.toMatchObject({ code: 2 });
    const keyFile = join(env.KPAY_CONFIG_DIR, 'key');
    writeFileSync(keyFile, 'kops_other\n');
    expect(await connected(env, { url: 'https://elsewhere.example', keyFile })).toEqual({
      url: 'https://elsewhere.example/',
      profile: null,
    });
  });

  it.each([
    [{}, {}, 4],
    [{ KPAY_API_URL: 'http://localhost' }, {}, 4],
    [{ KPAY_TOKEN: 'kops_a' }, {}, 4],
    [{ KPAY_TOKEN: 'kops_a', KPAY_API_URL: 'ftp://a' }, {}, 2],
    [{ KPAY_TOKEN: 'kops_a', KPAY_API_URL: 'https://user:pass@a' }, {}, 2],
    [{ KPAY_TOKEN_FILE: '/nowhere/key', KPAY_API_URL: 'http://localhost' }, {}, 4],
    [{}, { profile: 'nobody' }, 4],
  ])('%j with %j is refused with %d', async (env, options, code) => {
    const folder = join(ownFolder(), 'empty');
    mkdirSync(folder);
    await expect(connected({ ...env, KPAY_CONFIG_DIR: folder }, options)).rejects.toMatchObject({ code });
  });
});
