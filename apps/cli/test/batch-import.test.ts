import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort, seededRandom, temporaryFolder } from '@kpay/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { adminToken, type RunningApi, startApi } from '../../admin-api/test/running-api.ts';
import { openTestLedger } from '../../admin-api/test/test-ledger.ts';
import { journalPath } from '../src/batch/journal.ts';
import { run } from '../src/framework/run.ts';
import { commands } from '../src/generated/commands.ts';
import { captureStreams } from './captured-io.ts';
import { killImport, startImport, writeImportFile } from './import-files.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const folder = temporaryFolder();
afterAll(folder.remove);

let files = 0;
function newFile(text = '', ending = 'csv'): string {
  files += 1;
  const path = join(folder.path, `file-${files}.${ending}`);
  writeFileSync(path, text);
  return path;
}

/** Runs `kpay batch import` in this process. */
async function importFile(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const captured = captureStreams();
  const all = { KPAY_API_URL: api.url, KPAY_TOKEN: adminToken, KPAY_CONFIG_DIR: folder.path, LANG: 'C.UTF-8', ...env };
  const code = await run({ words: ['batch', 'import', ...words], commands, env: all, streams: captured.streams });
  return { code, stdout: captured.stdout(), stderr: captured.stderr() };
}

const recorded = async () =>
  (await api.ledger.db.selectFrom('kpay.transfers').select(['external_id', 'amount_minor']).execute()).map(
    (row) => row.external_id,
  );

const HEAD = 'externalId,sourceCountry,destinationCountry,amount\n';
const rowsOf = (...ids: string[]) => HEAD + ids.map((id) => `${id},CMR,GAB,5000\n`).join('');

describe('kpay batch import', () => {
  // Ten kills and 10,000 lines: batch-import.processes.test.ts.
  it('makes each good line once over a kill, and lists each bad one', { timeout: 90_000 }, async () => {
    const random = seededRandom(Date.now() % 2 ** 31);
    const file = writeImportFile(newFile(), { lines: 600, bad: 6 });
    const where = { url: api.url, token: adminToken };
    await killImport(file.path, where, { chunks: 2, afterMs: random() * 100 });
    const { code, stdout } = await startImport(file.path, where).ended;
    const { refused, result, complete } = JSON.parse(stdout);
    expect({ code, complete }).toEqual({ code: 8, complete: true });
    expect(refused.map(({ line, field }: { line: number; field: string }) => ({ line, field }))).toEqual(file.bad);
    expect(refused.filter(({ reason }: { reason: string }) => reason === '')).toEqual([]);
    expect(result.accepted + result.acceptedBefore).toBe(file.good);
    const ids = await recorded();
    expect({ transfers: ids.length, different: new Set(ids).size }).toEqual({ transfers: file.good, different: file.good });
  });

  it('gives two imports of one file at once the same transfers, once', { timeout: 60_000 }, async () => {
    const file = writeImportFile(newFile(), { lines: 600, bad: 3 });
    const where = { url: api.url, token: adminToken };
    const both = await Promise.all([startImport(file.path, where).ended, startImport(file.path, where).ended]);
    expect(both.map(({ code }) => code)).toEqual([8, 8]);
    const results = both.map(({ stdout }) => JSON.parse(stdout).result);
    expect(results.map(({ accepted, acceptedBefore }) => accepted + acceptedBefore)).toEqual([file.good, file.good]);
    expect(results.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(file.good);
    expect(await recorded()).toHaveLength(file.good);
  });

  it('shows what a file would do without asking any API', async () => {
    const path = newFile(`sourceCountry,destinationCountry,amount\nCMR,GAB,5000\nCMR,SEN,2500\nCMR,GAB,700\nCMR,GAB,-1\n`);
    const { code, stdout, stderr } = await importFile([path, '--dry-run', '--json'], { KPAY_API_URL: '', KPAY_TOKEN: '' });
    const shown = JSON.parse(stdout);
    expect({ code, stderr }).toEqual({ code: 8, stderr: '' });
    expect(shown).toMatchObject({
      refused: [{ line: 5, field: 'amount' }],
      dryRun: true,
      lines: { good: 3, bad: 1 },
      totals: [
        { corridor: 'CMR-GAB', currency: 'XAF', transfers: 2, amount: '5700' },
        { corridor: 'CMR-SEN', currency: 'XAF', transfers: 1, amount: '2500' },
      ],
      derivedIds: { lines: 3, pattern: `import-${shown.sha256.slice(0, 32)}-<line>` },
    });
    expect(await recorded()).toEqual([]);
  });

  it('derives the id of a line that has none, and shows it before it sends', async () => {
    const path = newFile('{"sourceCountry":"CMR","destinationCountry":"GAB","amount":"5000"}\n', 'ndjson');
    const { code, stderr, stdout } = await importFile([path]);
    const [id = ''] = await recorded();
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 transfers made, 0 were there already, 0 lines are not imported\n' });
    expect(id).toMatch(/^import-[0-9a-f]{32}-1$/);
    expect(stderr).toContain(id);
  });

  it('refuses an id that an earlier line has', async () => {
    const { code, stdout } = await importFile([newFile(rowsOf('a', 'b', 'a')), '--csv']);
    expect({ code, stdout }).toEqual({ code: 8, stdout: 'line,field,reason\r\n4,externalId,is that of line 2 too\r\n' });
    expect(await recorded()).toHaveLength(2);
  });

  it('asks again for lines that the API refused, and leaves out those that are transfers', async () => {
    await importFile([newFile(rowsOf('taken'))]);
    const path = newFile(`${HEAD}taken,CMR,GAB,7000\nnew,CMR,GAB,5000\n`);
    for (const accepted of [1, 0]) {
      const { code, stdout } = await importFile([path, '--json']);
      expect(code).toBe(8);
      expect(JSON.parse(stdout)).toMatchObject({
        refused: [{ line: 2, field: 'externalId', reason: expect.stringContaining('already used') }],
        result: { accepted, acceptedBefore: 1 - accepted, refused: 1 },
      });
    }
  });

  it('refuses a file that changed after something of it was sent, and another account', async () => {
    const path = newFile(rowsOf('one'));
    expect((await importFile([path])).code).toBe(0);
    const other = await importFile([path, '--account', 'default']);
    expect(other.code).toBe(11);
    expect(other.stderr).toContain('was begun with no --account');
    appendFileSync(path, 'two,CMR,GAB,5000\n');
    const changed = await importFile([path]);
    expect(changed.code).toBe(11);
    expect(changed.stderr).toContain('changed after its import began');
    expect(await recorded()).toEqual(['one']);
  });

  it('goes on past half a line that a kill left in the journal', async () => {
    const path = newFile(rowsOf('half'));
    await importFile([path]);
    appendFileSync(journalPath(path, api.url), '{"kind":"sen');
    expect((await importFile([path])).stdout).toContain('0 transfers made, 1 were there already');
    expect(readFileSync(journalPath(path, api.url), 'utf8')).toContain('{"kind":"sent"');
  });

  it('sends nothing where it cannot remember, and takes no other file for its memory', async () => {
    const path = newFile(rowsOf('kept'));
    mkdirSync(journalPath(path, api.url));
    const { code, stdout, stderr } = await importFile([path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('cannot write');
    expect(stderr).toContain('nothing more was sent');
    const other = newFile(rowsOf('kept'));
    writeFileSync(journalPath(other, api.url), 'my notes\n');
    expect((await importFile([other])).stderr).toContain('move it away; nothing was sent');
    expect(await recorded()).toEqual([]);
  });

  it.each([
    ['nothing', '', 'has no lines'],
    ['a head alone', HEAD, 'has no lines'],
    ['a JSON list', '[{}]', 'is a JSON list'],
    ['an open quote', `${HEAD}"a,CMR,GAB,1\n`, 'is not CSV'],
    ['two columns of one name', 'amount,amount\n1,2\n', 'has two columns amount'],
  ])('refuses %s as a whole', async (_what, text, why) => {
    const { code, stdout, stderr } = await importFile([newFile(text), '--json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
  });

  it('refuses what is not UTF-8 and names the line, also at the end of a block', async () => {
    const path = newFile(rowsOf('a'));
    appendFileSync(path, Buffer.concat([Buffer.from(`b,CMR,GAB,${' '.repeat(32_700)}é\n`), Buffer.from([0x63, 0xe9, 0x0a])]));
    const { code, stderr } = await importFile([path]);
    expect(code).toBe(2);
    expect(stderr).toContain('line 4 of');
    // The first byte of a character ends a block.
    const before = rowsOf('a');
    const good = newFile(`${before}${'\n'.repeat(32_767 - before.length)}é,CMR,GAB,5000\n`);
    expect((await importFile([good, '--dry-run'])).code).toBe(0);
  });

  it('cannot be told of a pipe, a folder or a file that is not there', async () => {
    for (const path of ['/dev/null', folder.path, join(folder.path, 'none.csv')]) {
      expect((await importFile([path])).code).toBe(2);
    }
  });

  it('goes on when answers are lost or the API is too busy', { timeout: 60_000 }, async () => {
    const path = newFile(rowsOf('lost-1', 'lost-2'));
    let asked = 0;
    const { url } = await serveBetween((path) => {
      if (path !== '/v1/transfers/batch') return 'pass';
      asked += 1;
      return asked === 1 ? 'lose' : asked === 2 ? 503 : 'pass';
    });
    const { code, stdout } = await importFile([path], { KPAY_API_URL: url });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0 transfers made, 2 were there already, 0 lines are not imported\n' });
    expect(asked).toBe(3);
    expect(await recorded()).toHaveLength(2);
  });

  it('ends with 10 where nobody answers, and with 4 where the key is refused, and leaves no memory', async () => {
    const path = newFile(rowsOf('a'));
    const down = `http://127.0.0.1:${await freePort()}`;
    expect((await importFile([path], { KPAY_API_URL: down })).code).toBe(10);
    expect((await importFile([path], { KPAY_TOKEN: 'kpay-wrong-0123456789' })).code).toBe(4);
    expect(existsSync(journalPath(path, down)) || existsSync(journalPath(path, api.url))).toBe(false);
  });
});

/** An address before the API that loses its answers or says a status, as `fate` wants it. */
async function serveBetween(fate: (path: string) => 'pass' | 'lose' | number): Promise<{ url: string }> {
  const server = createServer((incoming, response) => {
    const chosen = fate(incoming.url ?? '');
    if (typeof chosen === 'number') {
      response.writeHead(chosen, { 'content-type': 'text/plain' }).end('busy');
      return;
    }
    const { method, headers, url = '' } = incoming;
    const outgoing = request(api.url + url, { method, headers }, (answer) => {
      if (chosen === 'lose') {
        answer.resume().on('end', () => incoming.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
