import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { startSimulator, type Truth } from '../src/index.ts';
import { connect } from './client.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function start(environment: Record<string, string>, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=@kpay/source', main, ...args], {
    env: { ...process.env, SIMULATOR_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function readUrl(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no stdout');
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url) return url;
  }
  throw new Error('the simulator ended without a word');
}

it('three kills under load lose no transfer that was answered 201 and double none', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'simulator-kill-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const answered = new Set<string>();

  for (let life = 0; life < 3; life += 1) {
    const child = start({ KPAY_DATA_DIR: dataDir, SIMULATOR_TIME_SCALE: '60000' });
    const client = connect(await readUrl(child));
    const token = await client.token();
    let sent = 0;
    const sendUntilDead = async (lane: number) => {
      for (;;) {
        const externalId = `${life}-${lane}-${sent++}`;
        const reply = await client.transfer({ externalId, amount: 100 }, token).catch(() => undefined);
        if (!reply) return;
        if (reply.status === 201) answered.add(externalId);
        if (answered.size >= (life + 1) * 20) child.kill('SIGKILL');
      }
    };
    await Promise.all([0, 1, 2, 3].map(sendUntilDead));
  }

  const survivor = await startSimulator({ dataDir });
  onTestFinished(() => survivor.close());
  const truth: Truth = survivor.control.truth();
  const kept = truth.transfers.map(({ externalId }) => externalId);
  expect(answered.size).toBeGreaterThanOrEqual(60);
  expect([...answered].filter((id) => !kept.includes(id))).toEqual([]);
  expect(new Set(kept).size).toBe(kept.length);
  expect(truth.money).toEqual({ conserved: true, problems: [] });
});

it('the bin answers the documented keys and ends cleanly on SIGTERM', async () => {
  const child = start({});
  const client = connect(await readUrl(child));
  expect((await client.get('/api/v1/payments/me')).status).toBe(200);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it.each([
  ['a port in use', async (url: string) => ({ SIMULATOR_PORT: new URL(url).port }), /^Port \d+ is in use; choose another/],
  [
    'a host that is not this machine',
    async () => ({ HOST: '192.0.2.1' }),
    /^192\.0\.2\.1 is not an address of this machine; choose another with HOST/,
  ],
  ['a port that is none', async () => ({ SIMULATOR_PORT: 'many' }), /^SIMULATOR_PORT: /],
])('%s ends it with one line that says so', async (_title, environment, message) => {
  const other = await startSimulator();
  onTestFinished(() => other.close());
  const child = start(await environment(other.url));
  let said = '';
  child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect([code, said.trim().split('\n').length]).toEqual([1, 1]);
  expect(said).toMatch(message);
});

it('takes options for its environment variables, and says which are wrong', async () => {
  const child = start({ SIMULATOR_PORT: '1', HOST: '192.0.2.1' }, '--port', '0', '--host', '127.0.0.1', '--time-scale=20');
  expect((await connect(await readUrl(child)).get('/api/v1/payments/me')).status).toBe(200);
  const ended = async (...args: string[]) => {
    const other = start({}, ...args);
    let said = '';
    for (const stream of [other.stdout, other.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
    const [code] = (await once(other, 'close')) as [number];
    return { code, said };
  };
  expect(await ended('--port', 'many')).toMatchObject({ code: 1, said: expect.stringMatching(/^--port: /) });
  expect(await ended('--prot', '1')).toMatchObject({ code: 2, said: expect.stringContaining("Unknown option '--prot'") });
  expect(await ended('--help')).toMatchObject({ code: 0, said: expect.stringContaining('--data-dir <path>') });
});
