import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, freePort, temporaryFolder } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { adminToken, type RunningApi, startApi } from '../../admin-api/test/running-api.ts';
import { openTestLedger } from '../../admin-api/test/test-ledger.ts';
import { run } from '../src/framework/run.ts';
import { commands } from '../src/generated/commands.ts';
import { captureStreams } from './captured-io.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
afterAll(() => api.close());

const folder = temporaryFolder();
afterAll(folder.remove);

/** Runs `kpay <words>` in this process, with pipes and this API. */
async function kpay(words: readonly string[], env: NodeJS.ProcessEnv = {}, captured = captureStreams()) {
  const all = { KPAY_API_URL: api.url, KPAY_TOKEN: adminToken, KPAY_CONFIG_DIR: folder.path, LANG: 'C.UTF-8', ...env };
  const code = await run({ words, commands, env: all, streams: captured.streams });
  return { code, stdout: captured.stdout(), stderr: captured.stderr() };
}

const create = (id: string, ...more: string[]) =>
  kpay(['transfer', 'create', '--from', 'CMR', '--to', 'GAB', '--amount', '50 000', '--external-id', id, ...more]);

async function setState(externalId: string, ...states: Record<string, unknown>[]): Promise<void> {
  let version = 1;
  for (const set of states) {
    version += 1;
    await api.ledger.db
      .updateTable('kpay.transfers')
      .set({ version, ...set })
      .where('external_id', '=', externalId)
      .execute();
  }
}
const soon = () => new Date(Date.now() + 60_000);
const submitting = () => ({ state: 'submitting', lease_until: soon(), due_at: soon(), send_body: '{}' });
const review = { state: 'review', lease_until: null, due_at: null };

describe('a transfer', () => {
  it('is made once by its external id, and told with profile, environment and account', async () => {
    const first = await create('once', '--json');
    const second = await create('once', '--json');
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(JSON.parse(first.stdout)).toMatchObject({ externalId: 'once', amount: '50000', state: 'queued' });
    expect(JSON.parse(second.stdout).id).toBe(JSON.parse(first.stdout).id);
    expect(first.stderr).toBe(`no profile · TEST · account default · ${api.url}/\n`);
    expect(second.stderr).toContain('It was accepted before');
  });

  it('has an id that is told before anything is sent when none is given', async () => {
    const { code, stdout, stderr } = await kpay([
      'transfer',
      'create',
      '--from',
      'CMR',
      '--to',
      'GAB',
      '--amount',
      '500',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain(`external id: ${JSON.parse(stdout).externalId}`);
  });

  it.each([
    [['--amount', '1.500'], 2, '--amount 1.500 can be read in two ways'],
    [['--amount', '99'], 2, 'amount'],
    [['--account', 'nobody'], 2, 'account'],
    [['--amount', '60000', '--external-id', 'once'], 5, 'already used for a different transfer'],
  ])('%j ends with %d and says why', async (words, wanted, why) => {
    const base = { '--from': 'CMR', '--to': 'GAB', '--amount': '50000' };
    const given = Object.fromEntries(words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1]]] : [])));
    const line = Object.entries({ ...base, ...given }).flat() as string[];
    const { code, stdout, stderr } = await kpay(['transfer', 'create', ...line]);
    expect({ code, stdout }).toEqual({ code: wanted, stdout: '' });
    expect(stderr).toContain(why);
  });

  it('that waits ends with 6 when it was asked to wait, and explain says why', async () => {
    await create('held');
    await setState('held', {
      state: 'holding',
      reason: 'paused by ada: a test',
      reason_code: 'paused',
      hold_until: soon(),
      due_at: soon(),
    });
    const waited = await create('held', '--wait', '--timeout', '1s', '--json');
    expect({ code: waited.code, state: JSON.parse(waited.stdout).state }).toEqual({ code: 6, state: 'holding' });
    const { code, stdout } = await kpay(['transfer', 'explain', 'held']);
    expect(code).toBe(0);
    expect(stdout).toContain('paused by ada: a test');
    expect(stdout).toMatch(/kpay transfer cancel [0-9a-f-]{36}/);
  });

  it('whose outcome nobody knows ends with 7, whatever is asked of it', async () => {
    await create('unsure');
    await setState('unsure', submitting(), review);
    expect((await create('unsure', '--wait')).code).toBe(7);
    expect((await kpay(['transfer', 'watch', 'unsure'])).code).toBe(7);
    expect((await kpay(['transfer', 'cancel', 'unsure'])).code).toBe(7);
    expect((await kpay(['transfer', 'replay', 'unsure'])).code).toBe(7);
    const { stdout } = await kpay(['transfer', 'explain', 'unsure', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      transfer: { moneyMoved: 'unknown' },
      evidence: { balance: { verdict: 'not_verifiable' } },
    });
    const settled = await kpay(['transfer', 'resolve', 'unsure', '--as', 'not-happened', '--reason', 'looked', '--json']);
    expect({ code: settled.code, state: JSON.parse(settled.stdout).state }).toEqual({ code: 0, state: 'failed' });
    expect((await kpay(['transfer', 'resolve', 'unsure', '--as', 'happened', '--reason', 'looked'])).code).toBe(11);
    const again = await kpay(['transfer', 'replay', 'unsure', '--external-id', 'unsure-2', '--json']);
    expect({ code: again.code, id: JSON.parse(again.stdout).externalId }).toEqual({ code: 0, id: 'unsure-2' });
  });

  it('is followed line by line in JSON until it has ended', async () => {
    await create('followed');
    const watching = kpay(['transfer', 'watch', 'followed', '--json']);
    await kpay(['transfer', 'cancel', 'followed', '--reason', 'not needed']);
    const { code, stdout } = await watching;
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect({ code, last: events.at(-1)?.to }).toEqual({ code: 1, last: 'cancelled' });
    expect(new Set(events.map(({ version }) => version)).size).toBe(events.length);
  });

  it('says by a dry run what would become of it, and makes nothing', async () => {
    const { code, stdout } = await create('dry', '--dry-run', '--json');
    expect({ code, outcome: JSON.parse(stdout).outcome }).toEqual({ code: 0, outcome: 'would_send' });
    const rate = await kpay([
      'transfer',
      'create',
      '--from',
      'CMR',
      '--to',
      'SEN',
      '--amount',
      '500',
      '--min-rate',
      '2',
      '--dry-run',
    ]);
    expect({ code: rate.code, told: rate.stdout.startsWith('It would wait.') }).toEqual({ code: 6, told: true });
    expect((await kpay(['transfer', 'show', 'dry'])).code).toBe(9);
  });
});

describe('lists', () => {
  it('go through pages as one JSON value, and as one CSV with one head', async () => {
    for (let n = 0; n < 3; n += 1) await create(`page-${n}`);
    const { items } = JSON.parse((await kpay(['transfer', 'list', '--all', '--json'])).stdout);
    expect(items.length).toBeGreaterThan(3);
    const csv = (await kpay(['transfer', 'list', '--all', '--csv'])).stdout.trim().split('\r\n');
    expect(csv).toHaveLength(items.length + 1);
    const limited = JSON.parse((await kpay(['transfer', 'list', '--limit', '2', '--json'])).stdout);
    expect(limited.items).toHaveLength(2);
    expect(limited.nextCursor).not.toBeNull();
    const none = await kpay(['transfer', 'list', '--external-id', 'nobody', '--json']);
    expect(JSON.parse(none.stdout)).toEqual({ items: [], nextCursor: null });
  });

  it.each([
    [['balances']],
    [['rates', 'xaf', 'XOF']],
    [['availability']],
    [['quote', '--from', 'CMR', '--to', 'SEN', '--amount', '50 000']],
    [['predict', '237653456789']],
    [['pauses']],
    [['keys']],
    [['status']],
    [['profiles']],
  ])('kpay %j is JSON on standard output, and a text for people without --json', async (words) => {
    const json = await kpay([...words, '--json']);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toBeTypeOf('object');
    expect((await kpay(words)).code).toBe(0);
  });
});

describe('control', () => {
  it('pauses and resumes a corridor, and status shows it', async () => {
    const paused = await kpay(['pause', '--corridor', 'CMR-GAB', '--until', '2h', '--reason', 'a test', '--json']);
    const { id } = JSON.parse(paused.stdout);
    expect((await kpay(['status'])).stdout).toContain('default CMR-GAB');
    expect((await kpay(['resume', id])).code).toBe(0);
    expect((await kpay(['resume', id])).code).toBe(9);
    expect((await kpay(['pause', '--reason', 'a test'])).code).toBe(2);
  });

  it('makes a key that stands alone on standard output, is refused after its end, and may not do more than it says', async () => {
    const made = await kpay(['keys', 'create', '--name', 'reader', '--owner', 'ada', '--scope', 'read']);
    expect(made.stdout).toMatch(/^kops_\S+\n$/);
    const key = { KPAY_TOKEN: made.stdout.trim() };
    expect((await kpay(['transfer', 'list'], key)).code).toBe(0);
    expect((await kpay(['pause', '--all', '--reason', 'x'], key)).code).toBe(4);
    const [, id = ''] = /^kops_([^_]+)_/.exec(made.stdout) ?? [];
    expect((await kpay(['keys', 'revoke', id])).code).toBe(0);
    expect((await kpay(['transfer', 'list'], key)).code).toBe(4);
  });
});

describe('an API that is away', () => {
  const order = ['transfer', 'create', '--from', 'CMR', '--to', 'GAB', '--amount', '500', '--external-id', 'away'];

  it('is 10 when no connection was made: nothing was sent', async () => {
    const { code, stdout, stderr } = await kpay(order, { KPAY_API_URL: `http://127.0.0.1:${await freePort()}` });
    expect({ code, stdout }).toEqual({ code: 10, stdout: '' });
    expect(stderr).toContain('nothing was sent');
  });

  it('is 7 when it took a transfer and cut the line each time, with how to go on', async () => {
    let posts = 0;
    const server = createServer((request, response) => {
      if (request.method === 'GET')
        return void response
          .setHeader('content-type', 'application/json')
          .end('{"items":[{"name":"default","environment":"TEST","baseUrl":"http://x"}],"nextCursor":null}');
      posts += 1;
      request.socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { code, stderr } = await kpay(order, { KPAY_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    expect({ code, posts }).toEqual({ code: 7, posts: 3 });
    expect(stderr).toContain('--external-id away, never with another id');
  });

  it('is 7 when only the first try may have arrived and no later one did', async () => {
    const server = createServer((request, response) => {
      if (request.method === 'GET')
        return void response
          .setHeader('content-type', 'application/json')
          .setHeader('connection', 'close')
          .end('{"items":[{"name":"default","environment":"TEST","baseUrl":"http://x"}],"nextCursor":null}');
      server.close();
      request.socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { code, stderr } = await kpay(order, { KPAY_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    expect(code).toBe(7);
    expect(stderr).not.toContain('nothing was sent');
  });

  it('is 10 for a read that a proxy answers', async () => {
    const server = createServer(
      (_request, response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad\x1b[2J Gateway'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { code, stderr } = await kpay(['balances'], {
      KPAY_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    expect(code).toBe(10);
    expect(stderr).toContain('status 502');
    expect(stderr).not.toContain('\x1b');
  });
});

describe('PRODUCTION', () => {
  it('is never written to without a terminal unless --yes is given', async () => {
    const posted: string[] = [];
    const server = createServer((request, response) => {
      const isRead = request.method === 'GET';
      if (!isRead) posted.push(request.url ?? '');
      const accounts = { items: [{ name: 'default', environment: 'PRODUCTION', baseUrl: 'http://x' }], nextCursor: null };
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify(isRead ? accounts : { id: 'x', state: 'queued' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const env = { KPAY_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const order = ['transfer', 'create', '--from', 'CMR', '--to', 'GAB', '--amount', '500', '--json'];
    const refused = await kpay(order, env);
    expect({ code: refused.code, posted }).toEqual({ code: 2, posted: [] });
    expect(refused.stderr).toContain('unless --yes is given');
    expect((await kpay([...order, '--yes'], env)).code).toBe(0);
    await eventually(() => expect(posted).toEqual(['/v1/transfers']));
  });
});

describe('the command line', () => {
  it.each([
    [[], 0, 'Usage: kpay <command>'],
    [['--help'], 0, 'transfer create'],
    [['transfer', 'create', '--help'], 0, '--external-id <id>'],
    [['help', 'transfer', 'list'], 0, '--state <state>'],
    [['transfer', '--help'], 0, 'transfer watch'],
    [['completion', 'bash'], 0, 'complete -o default -F _kpay kpay'],
  ])('kpay %j ends with %d', async (words, wanted, text) => {
    const { code, stdout, stderr } = await kpay(words);
    expect({ code, stderr }).toEqual({ code: wanted, stderr: '' });
    expect(stdout).toContain(text);
  });

  it.each([
    [['transfr', 'list'], 'try: kpay transfer'],
    [['transfer', 'lst'], 'kpay transfer list'],
    [['transfer'], 'Usage: kpay transfer'],
    [['--json'], 'options come after the command'],
    [['transfer', 'show'], '<id> is missing'],
  ])('kpay %j is a usage error that says what to do, with nothing on standard output', async (words, text) => {
    const { code, stdout, stderr } = await kpay(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(text);
  });

  it('that cannot write what it read has failed, and one that moved money has not', async () => {
    const full = () => captureStreams(undefined, { full: true });
    const list = await kpay(['transfer', 'list', '--json'], {}, full());
    expect(list).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOSPC') });
    const order = ['transfer', 'create', '--from', 'CMR', '--to', 'GAB', '--amount', '500', '--external-id', 'full'];
    expect(await kpay(order, {}, full())).toMatchObject({ code: 0, stderr: expect.stringContaining('ENOSPC') });
  });

  it('speaks French where the environment does', async () => {
    const { stdout } = await kpay(['--help'], { LANG: 'fr_CM.UTF-8' });
    expect(stdout).toContain('Transferts');
    expect((await kpay(['transfer', 'show', 'nobody'], { LC_ALL: 'fr_FR.UTF-8' })).stderr).toContain("il n'y a pas de transfert");
  });
});
