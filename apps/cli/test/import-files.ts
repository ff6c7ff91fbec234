import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { eventually, machineEnv } from '@kpay/testkit';
import { journalPath } from '../src/batch/journal.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface ImportFile {
  path: string;
  good: number;
  /** Of the bad lines, in their order. */
  bad: { line: number; field: string }[];
}

/** Wrong in each of the ways that a file can be, with the field that is told. */
const WRONG: readonly (readonly [string, string])[] = [
  ['CMR,GAB,1.500', 'amount'],
  ['CMR,CMR,5000', 'destinationCountry'],
  ['COD,GAB,5000', 'sourceCountry'],
  ['CMR,GAB,99', 'amount'],
  ['CMR,,5000', 'destinationCountry'],
  ['CMR,GAB,5000,more', 'body'],
];

/** A CSV of transfers that have no ids of their own, with bad lines spread over it. */
export function writeImportFile(path: string, { lines, bad }: { lines: number; bad: number }): ImportFile {
  const every = Math.floor(lines / bad);
  const wrong: ImportFile['bad'] = [];
  const rows = Array.from({ length: lines }, (_, index) => {
    if (index % every !== every - 1 || wrong.length === bad) return `CMR,GAB,${1_000 + index}`;
    const [row = '', field = ''] = WRONG[wrong.length % WRONG.length] ?? [];
    wrong.push({ line: index + 2, field });
    return row;
  });
  writeFileSync(path, `sourceCountry,destinationCountry,amount\n${rows.join('\n')}\n`);
  return { path, good: lines - wrong.length, bad: wrong };
}

export interface Api {
  url: string;
  token: string;
}

/** `kpay batch import` as a process of its own. */
export function startImport(file: string, { url, token }: Api, words: readonly string[] = ['--yes', '--json']) {
  const child = spawn(execPath, ['--conditions=@kpay/source', MAIN, 'batch', 'import', file, ...words], {
    env: { ...machineEnv(), KPAY_API_URL: url, KPAY_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...texts }));
  return { child, ended };
}

/** Kills an import with SIGKILL, once it has begun to send the given number of chunks and some more time has passed. */
export async function killImport(
  file: string,
  api: Api,
  { chunks = 1, afterMs }: { chunks?: number; afterMs: number },
): Promise<void> {
  const path = journalPath(file, api.url);
  const sendings = () => (existsSync(path) ? readFileSync(path, 'utf8').split('"sending"').length : 1);
  const wanted = sendings() + chunks;
  const { child, ended } = startImport(file, api);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  await eventually(
    () => {
      if (!isOver && sendings() < wanted) throw new Error('it sends nothing yet');
    },
    { timeoutMs: 120_000, everyMs: 2 },
  );
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await ended;
}
