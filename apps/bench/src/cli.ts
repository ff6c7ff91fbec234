import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { freePort, temporaryFolder } from '@kpay/testkit';
import { median } from './median.ts';
import { startApp } from './start-app.ts';

/** What one build of the command line takes, in milliseconds of the clock. Medians. */
export interface Program {
  /** From apps/cli. */
  name: string;
  versionMs: number;
  helpMs: number;
  /** Until the first row is there. */
  listMs: number;
}

export interface CommandLineCost {
  /** `node -e 0`. */
  bareMs: number;
  /** The API's answer to the first page, by a connection of its own. */
  apiMs: number;
  programs: readonly Program[];
}

const PROGRAMS = ['dist/main.js', 'dist/package/kpay.js'];
const KEY = 'kpay-admin-of-the-benchmark-0123456789';

/**
 * Starts of both builds of the command line beside a bare node, in turn, with `kpay up` as the API.
 *
 * @throws Error when they are not built.
 */
export async function measureCommandLine({ transfers, rounds }: { transfers: number; rounds: number }): Promise<CommandLineCost> {
  const paths = PROGRAMS.map((name) => fileURLToPath(new URL(`../../cli/${name}`, import.meta.url)));
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`${missing} is not there: npm run build`);
  const folder = temporaryFolder();
  const port = await freePort();
  const kpay = await startApp({
    main: '../../cli/src/main.ts',
    words: ['up'],
    ready: 'Ctrl-C stops it',
    env: {
      KPAY_DATA_DIR: `${folder.path}/data`,
      KPAY_ADMIN_TOKEN: KEY,
      ADMIN_API_PORT: String(port),
      ...{ EXPORTER_PORT: '0', WORKER_PORT: '0', SIMULATOR_PORT: '0' },
    },
  });
  try {
    const url = `http://127.0.0.1:${port}`;
    await makeTransfers(url, transfers);
    const env = {
      PATH: process.env.PATH ?? '',
      KPAY_API_URL: url,
      KPAY_TOKEN: KEY,
      KPAY_CONFIG_DIR: folder.path,
      LANG: 'C.UTF-8',
    };
    const times = new Map<string, number[]>();
    const note = (what: string, ms: number) => times.set(what, [...(times.get(what) ?? []), ms]);
    for (let round = 0; round < rounds; round += 1) {
      note('bare', await run(['-e', '0'], env));
      note('api', await askFirstPage(url));
      for (const path of paths) {
        note(`${path} version`, await run([path, '--version'], env));
        note(`${path} help`, await run([path, '--help'], env));
        note(`${path} list`, await run([path, 'transfer', 'list'], env, { firstRow: true }));
      }
    }
    const of = (what: string) => median(times.get(what) ?? []);
    return {
      bareMs: of('bare'),
      apiMs: of('api'),
      programs: paths.map((path, index) => ({
        name: PROGRAMS[index] ?? path,
        versionMs: of(`${path} version`),
        helpMs: of(`${path} help`),
        listMs: of(`${path} list`),
      })),
    };
  } finally {
    await kpay.stop();
    folder.remove();
  }
}

async function makeTransfers(url: string, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      externalId: `cli-${n}`,
      sourceCountry: 'CMR',
      destinationCountry: 'GAB',
      amount: 500,
      notBefore: '2099-01-01T00:00:00Z',
    }),
  );
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/x-ndjson' };
  const answer = await fetch(`${url}/v1/transfers/batch?atomic=true`, { method: 'POST', headers, body: lines.join('\n') });
  if (!answer.ok) throw new Error(`the transfers were not made: ${await answer.text()}`);
}

/** A process from its start to its end, or to its second line: the first is the table's head. */
async function run(words: readonly string[], env: NodeJS.ProcessEnv, { firstRow = false } = {}): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let rowMs: number | undefined;
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
    if (output.split('\n').length > 2) rowMs ??= performance.now() - startedMs;
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const [code] = await once(child, 'close');
  const endedMs = performance.now() - startedMs;
  if (code !== 0) throw new Error(`node ${words.join(' ')} ended with ${code}: ${said}`);
  return firstRow ? (rowMs ?? endedMs) : endedMs;
}

async function askFirstPage(url: string): Promise<number> {
  const startedMs = performance.now();
  const agent = new Agent({ keepAlive: false });
  const asked = request(`${url}/v1/transfers?limit=50`, { agent, headers: { authorization: `Bearer ${KEY}` } });
  asked.end();
  const [answer] = await once(asked, 'response');
  answer.resume();
  await once(answer, 'end');
  return performance.now() - startedMs;
}
