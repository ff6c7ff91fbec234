import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSimulator } from '@kpay/simulator';
import { freePort, temporaryFolder } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { type Command, optionsOf } from '../../src/framework/command.ts';
import { exitCodes } from '../../src/framework/exit-codes.ts';
import { commands } from '../../src/generated/commands.ts';
import { storeCommands } from '../../src/generated/store-commands.ts';
import { getJson, postTransfer } from '../ask-api.ts';
import { adminToken, settingsFor, startKpay } from '../start-kpay.ts';
import { type Ended, runKpayIn, type Surroundings } from './run-in-terminal.ts';

const TEST_TIMEOUT_MS = 600_000;
/** Two cores, and each command waits for the API now and then. */
const AT_ONCE = 3;

/** Codes that every command may end with, and its own. */
function documented({ exits = [] }: Command): readonly number[] {
  const { done, failed, usage, key, unreachable, interrupted } = exitCodes;
  return [done, failed, usage, key, unreachable, interrupted, ...exits];
}

/** A command line that does something, by the name of the command. One that is not here is run with a word for each argument. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  completion: ['bash'],
  'keys create': ['--name', 'shift', '--scope', 'read'],
  login: ['--url', 'URL', '--key-file', 'KEY_FILE', '--name', 'other'],
  // A page needs no key; to find a transfer does.
  open: ['stopped'],
  pause: ['--corridor', 'CMR-SEN', '--reason', 'a test'],
  predict: ['237653456789'],
  quote: ['--from', 'CMR', '--to', 'SEN', '--amount', '5000'],
  rates: ['XAF', 'XOF'],
  'batch import': ['IMPORT_FILE'],
  'transfer create': ['--from', 'CMR', '--to', 'GAB', '--amount', '5000', '--external-id', 'terminal'],
  'transfer resolve': ['stopped', '--as', 'happened', '--reason', 'a test'],
};

function wordsOf(command: Command, values: Readonly<Record<string, string>>): string[] {
  const sample =
    SAMPLES[command.name] ?? Object.entries(command.arguments ?? {}).flatMap(([, { required }]) => (required ? ['stopped'] : []));
  return [...command.name.split(' '), ...sample.map((word) => values[word] ?? word)];
}

interface Case {
  what: string;
  command: Command;
  words: string[];
  around: Surroundings;
  check(ended: Ended): string[];
}

/** Runs all cases, some at once, and tells what is wrong with which. */
async function faultsOf(cases: readonly Case[]): Promise<{ faults: string[]; asked: ReadonlySet<string> }> {
  const faults: string[] = [];
  const asked = new Set<string>();
  const queue = cases.values();
  const work = async () => {
    for (const { what, words, around, command, check } of queue) {
      const ended = await runKpayIn(words, around);
      if (ended.asked) asked.add(command.name);
      const found = [...common(ended, command), ...check(ended)];
      const seen = `${ended.stdout}${ended.stderr}`.slice(-300);
      faults.push(...found.map((fault) => `kpay ${words.join(' ')} (${what}): ${fault}: ${JSON.stringify(seen)}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { faults, asked };
}

function common({ code, stdout, stderr }: Ended, command: Command): string[] {
  const text = stdout + stderr;
  return [
    ...(code !== null && documented(command).includes(code) ? [] : [`ends with ${code}`]),
    ...(/^\s+at .*[:(]/m.test(text) ? ['shows a stack'] : []),
    ...(/\bundefined\b|\[object Object\]|�/.test(text) ? ['shows what is no word'] : []),
    ...(text.includes(adminToken) ? ['shows the key'] : []),
  ];
}

const toldWhy = ({ code, stdout, stderr }: Ended) => (code !== 0 && (stderr + stdout).trim() === '' ? ['says nothing'] : []);
const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
const asJson = ({ stdout }: Ended) => {
  const isClean = stdout === '' || isJson(stdout) || stdout.trim().split('\n').every(isJson);
  return isClean ? [] : ['writes what is no JSON'];
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for.
const noEscapes = ({ stdout }: Ended) => (/\x1b/.test(stdout) ? ['moves or colours a dumb terminal'] : []);
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for.
const noColours = ({ stdout }: Ended) => (/\x1b\[[\d;]*m/.test(stdout) ? ['colours'] : []);
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is looked for.
const ascii = ({ stdout, stderr }: Ended) => (/[^\x00-\x7f]/.test(stdout + stderr) ? ['writes beyond ASCII'] : []);
const nothing = () => [];

it('every command keeps its promises at each terminal, in a pipe and without a home', { timeout: TEST_TIMEOUT_MS }, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const simulator = await createSimulator({ port: 0, limit: 1_000_000 });
  onTestFinished(() => simulator.close());
  const kpay = await startKpay({ ...settingsFor(simulator, join(folder.path, 'data')), KPAY_API_REQUESTS_PER_MINUTE: '100000' });
  const url = kpay.apiUrl;
  // Cancelled before it is sent, since its corridor is paused.
  const ask = (path: string, body: object, token = adminToken) =>
    fetch(`${url}/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await ask('/pauses', { corridor: 'CMR-COG', reason: 'for the test' });
  const { id } = await postTransfer(url, {
    externalId: 'stopped',
    sourceCountry: 'CMR',
    destinationCountry: 'COG',
    amount: 5_000,
  });
  await ask(`/transfers/${id}/cancel`, { reason: 'for the test' });
  expect(await getJson<{ state: string }>(`${url}/v1/transfers/${id}`)).toMatchObject({ state: 'cancelled' });
  // It may not read accounts, so that the command line asks as in PRODUCTION.
  const made = await ask('/api-keys', {
    name: 'blind',
    owner: 'blind',
    scopes: ['transfers:create', 'transfers:resolve', 'control', 'keys'],
  });
  expect(made.status).toBe(201);
  const { key: blindKey = '' } = (await made.json()) as { key?: string };

  mkdirSync(join(folder.path, 'config'));
  const values = {
    URL: url,
    KEY_FILE: join(folder.path, 'key'),
    IMPORT_FILE: join(folder.path, 'import.csv'),
  };
  writeFileSync(values.KEY_FILE, `${adminToken}\n`);
  writeFileSync(values.IMPORT_FILE, 'sourceCountry,destinationCountry,amount\nCMR,COG,5000\nCMR,COG,1.500\n');
  const noHome = { KPAY_API_URL: url, KPAY_TOKEN: adminToken, LANG: 'C.UTF-8' };
  const env = { ...noHome, KPAY_CONFIG_DIR: join(folder.path, 'config') };
  const down = `http://127.0.0.1:${await freePort()}`;

  const cases: Case[] = [];
  for (const { load } of commands) {
    const { command } = await load();
    const words = wordsOf(command, values);
    const json = optionsOf(command).json === undefined ? [] : ['--json'];
    const add = (what: string, around: Surroundings, check: Case['check'], more: readonly string[] = []) =>
      cases.push({ what, command, words: [...words, ...more], around, check });
    for (const columns of [40, 80, 200]) add(`${columns} columns`, { env, columns }, nothing);
    add('a pipe', { env }, (ended) => [...toldWhy(ended), ...(json.length > 0 ? asJson(ended) : [])], json);
    add('no HOME', { env: noHome }, toldWhy);
    add('LANG=C', { env: { ...env, LANG: 'C' } }, command.name === 'completion' ? nothing : ascii);
    add('TERM=dumb', { env: { ...env, TERM: 'dumb' }, columns: 80 }, noEscapes);
    add('NO_COLOR', { env: { ...env, NO_COLOR: '1' }, columns: 80 }, noColours);
    add('closed stdout', { env, closedStdout: true }, nothing);
    if (command.section !== 'setup') {
      const unreachable = (ended: Ended) => [
        ...toldWhy(ended),
        ...(ended.code === exitCodes.unreachable ? [] : [`ends with ${ended.code}, not 10`]),
      ];
      const refused = (ended: Ended) => [
        ...toldWhy(ended),
        ...(ended.code === exitCodes.key ? [] : [`ends with ${ended.code}, not 4`]),
      ];
      add('the API is down', { env: { ...env, KPAY_API_URL: down } }, unreachable);
      add('a wrong key', { env: { ...env, KPAY_TOKEN: 'kpay-wrong-0123456789' } }, refused);
      add('a wrong profile', { env: { ...env, KPAY_PROFILE: 'nobody' } }, refused);
    }
    const interrupted = ({ asked, code }: Ended) =>
      asked && code !== exitCodes.interrupted ? [`ends with ${code} after Ctrl-C`] : [];
    add('Ctrl-C at its question', { env: { ...env, KPAY_TOKEN: blindKey }, columns: 80, typed: '\x03' }, interrupted);
  }
  const login = cases.find(({ command: { name } }) => name === 'login');
  if (!login) throw new Error('there is a login');
  cases.push({
    ...login,
    what: 'Ctrl-C at the address',
    words: ['login'],
    around: { env, columns: 80, typed: '\x03' },
    check: ({ asked, code }) => (asked && code === exitCodes.interrupted ? [] : [`asked: ${asked}, code ${code}`]),
  });
  for (const { load } of storeCommands) {
    const { command } = await load();
    for (const columns of [40, 200]) {
      const around = { env, columns };
      cases.push({ what: `${columns} columns`, command, words: [...command.name.split(' '), '--help'], around, check: nothing });
    }
  }
  const { faults, asked } = await faultsOf(cases);
  expect(faults).toEqual([]);
  // Ctrl-C was tried at the questions of these. The others that ask must find something first, which this key may not read.
  expect([...asked].sort()).toEqual(['batch import', 'keys revoke', 'login', 'transfer create']);
  process.stdout.write(`${cases.length} command lines, of ${commands.length + storeCommands.length} commands\n`);
});
