import { describe, expect, it } from 'vitest';
import { captureStreams } from '../../test/captured-io.ts';
import { openIo } from '../framework/io.ts';
import { type Column, printTable, widthOf } from './table.ts';

interface Row {
  id: string;
  amount: string;
  reason: string;
}

const columns: readonly Column<Row>[] = [
  { title: { en: 'ID', fr: 'ID' }, value: ({ id }) => id },
  { title: { en: 'AMOUNT', fr: 'MONTANT' }, value: ({ amount }) => amount, right: true },
  { title: { en: 'REASON', fr: 'RAISON' }, value: ({ reason }) => reason, cut: true },
];
const rows = [
  {
    id: '4240437d-cd54',
    amount: '50,000 XAF',
    reason: 'waiting for the rate: XAF to XOF is 1.0153, the transfer asks for at least 2',
  },
  { id: '17e71e36', amount: '5 XAF', reason: '' },
];

async function printed(width: number | undefined, env: NodeJS.ProcessEnv = { LANG: 'en_US.UTF-8', NO_COLOR: '1' }) {
  const captured = captureStreams(width);
  await printTable(openIo(env, captured.streams), columns, rows);
  return captured.stdout().split('\n');
}

describe('a table', () => {
  it.each([40, 60, 80, 200])('fits a terminal of %d columns', async (width) => {
    const lines = await printed(width);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
    expect(lines.join('\n')).toContain('50,000 XAF');
  });

  it('is whole in a pipe', async () => {
    expect((await printed(undefined))[1]).toBe(
      '4240437d-cd54  50,000 XAF  waiting for the rate: XAF to XOF is 1.0153, the transfer asks for at least 2',
    );
  });

  it('becomes cards where not even the cut columns fit', async () => {
    expect((await printed(20)).slice(0, 3)).toEqual([
      'ID: 4240437d-cd54',
      'AMOUNT: 50,000 XAF',
      expect.stringMatching(/^REASON: /),
    ]);
  });

  it('has colours on a terminal only, and none by NO_COLOR or TERM=dumb', async () => {
    const has = async (width: number | undefined, env: NodeJS.ProcessEnv) =>
      (await printed(width, env)).join('').includes('\x1b[');
    const utf8 = { LANG: 'C.UTF-8' };
    expect(await has(80, utf8)).toBe(true);
    expect(await has(80, { ...utf8, NO_COLOR: '1' })).toBe(false);
    expect(await has(80, { ...utf8, TERM: 'dumb' })).toBe(false);
    expect(await has(undefined, utf8)).toBe(false);
  });

  it('is ASCII where the terminal has no other characters', async () => {
    const text = (await printed(50, { LANG: 'C' })).join('\n');
    expect(text).toContain('...');
    expect(/^[\x20-\x7e\n]*$/.test(text.replaceAll('\x1b[1m', '').replaceAll('\x1b[22m', ''))).toBe(true);
  });

  it('lets no text from outside command the terminal', async () => {
    const captured = captureStreams(80);
    const io = openIo({ LANG: 'C.UTF-8', NO_COLOR: '1' }, captured.streams);
    await printTable(io, columns, [{ id: 'a', amount: '1', reason: 'x\x1b[2J\u202ey\r\nz' }]);
    expect(captured.stdout()).toMatch(/x \[2J y z/);
  });
});
