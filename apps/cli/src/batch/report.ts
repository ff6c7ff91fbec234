import type { Cli } from '../framework/command.ts';
import type { Io } from '../framework/io.ts';
import { csvOf } from '../output/csv.ts';
import { showAmount, showNumber } from '../output/format.ts';
import { type Column, openTable, printTable } from '../output/table.ts';
import { type BadLine, derivedId } from './judge-lines.ts';
import type { CorridorTotal, Preview } from './preview.ts';

/** Writes what the command is about to standard output, in the form that was asked for, as it comes. */
export interface Report {
  refused(lines: readonly BadLine[]): Promise<void>;
  /** Whether something was written. */
  hasBegun(): boolean;
  /** Closes the JSON. */
  end(result: object): Promise<void>;
}

export function openReport({ io, format }: Cli): Report {
  let isFirst = true;
  const table = openTable(io, badLineColumns);
  return {
    async refused(lines) {
      io.progress('');
      const rows = lines.map(({ line, field, reason }) => ({ line, field, reason }));
      if (format === 'json') {
        const items = rows.map((row, index) => `${isFirst && index === 0 ? '' : ','}\n${JSON.stringify(row)}`).join('');
        await io.write(`${isFirst ? '{"refused":[' : ''}${items}`);
      } else if (format === 'csv') {
        await io.write(csvOf([...(isFirst ? [['line', 'field', 'reason']] : []), ...rows.map((row) => Object.values(row))]));
      } else await table.print(lines);
      isFirst = false;
    },
    hasBegun: () => !isFirst,
    async end(result) {
      if (format === 'json') await io.write(`${isFirst ? '{"refused":[' : ''}],\n${JSON.stringify(result, null, 2).slice(2)}\n`);
      else if (format === 'csv' && isFirst) await io.write(csvOf([['line', 'field', 'reason']]));
    },
  };
}

const badLineColumns: readonly Column<BadLine>[] = [
  { title: { en: 'LINE', fr: 'LIGNE' }, value: ({ line }) => String(line), right: true },
  { title: { en: 'FIELD', fr: 'CHAMP' }, value: ({ field }) => field },
  { title: { en: 'REASON', fr: 'RAISON' }, value: ({ reason }) => reason },
];

/** What the file would do, for people. */
export async function printPreview(io: Io, preview: Preview, sha256: string, firstBad: readonly BadLine[]): Promise<void> {
  const { good, bad, totals, derived } = preview;
  const number = (value: number) => showNumber(String(value), io.language);
  const columns: readonly Column<CorridorTotal>[] = [
    { title: { en: 'CORRIDOR', fr: 'CORRIDOR' }, value: ({ corridor }) => corridor },
    { title: { en: 'TRANSFERS', fr: 'TRANSFERTS' }, value: ({ transfers }) => number(transfers), right: true },
    {
      title: { en: 'TOTAL', fr: 'TOTAL' },
      value: ({ amount, currency }) => showAmount(amount, currency, io.language),
      right: true,
    },
  ];
  await printTable(io, columns, totals);
  await io.print(
    io.text({
      en: `${number(good)} good lines, ${number(bad)} bad ones`,
      fr: `${number(good)} lignes bonnes, ${number(bad)} mauvaises`,
    }),
  );
  await printTable(io, badLineColumns, firstBad);
  if (firstBad.length > 0 && bad > firstBad.length) {
    await io.print(
      io.text({
        en: `… and ${number(bad - firstBad.length)} more bad lines`,
        fr: `… et ${number(bad - firstBad.length)} autres`,
      }),
    );
  }
  if (derived.first !== undefined) {
    const id = derivedId(sha256, derived.first);
    await io.print(
      io.text({
        en: `${number(derived.lines)} lines have no externalId: theirs follows from this file and the line, as ${id} for line ${derived.first}`,
        fr: `${number(derived.lines)} lignes n'ont pas d'externalId : le leur vient de ce fichier et de la ligne, comme ${id} pour la ligne ${derived.first}`,
      }),
    );
  }
}

/** A bar for standard error: `[=====     ] 4,500 of 9,950  45 %`. */
export function progressBar(io: Io, done: number, of: number): string {
  const WIDTH = 20;
  const share = of === 0 ? 1 : Math.min(1, done / of);
  const filled = Math.round(share * WIDTH);
  const number = (value: number) => showNumber(String(value), io.language);
  return io.text({
    en: `[${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${number(done)} of ${number(of)}  ${Math.floor(share * 100)} %`,
    fr: `[${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${number(done)} sur ${number(of)}  ${Math.floor(share * 100)} %`,
  });
}
