import type { Io, Style } from '../framework/io.ts';
import type { Text } from '../framework/language.ts';

export interface Column<Row> {
  title: Text;
  value(row: Row): string;
  /** Figures stand right. */
  right?: true;
  /** May be cut when the terminal is narrow; the others are whole. */
  cut?: true;
  /** Leaves first when the terminal is narrow: the higher the sooner. 0, which is usual, never leaves. */
  spare?: number;
  style?(row: Row): Style | undefined;
}

const GAP = '  ';
const MIN_CUT = 8;

/**
 * Writes rows as a table that fits the terminal: spare columns leave, then long texts are cut, and where even that is too
 * wide each row becomes a card of `title: value` lines. Into a pipe everything is written whole.
 */
export async function printTable<Row>(io: Io, columns: readonly Column<Row>[], rows: readonly Row[]): Promise<void> {
  const table = openTable(io, columns);
  await table.print(rows);
}

/** A table whose rows come in pages: the first page decides the widths. */
export function openTable<Row>(io: Io, columns: readonly Column<Row>[]): { print(rows: readonly Row[]): Promise<void> } {
  let layout: Layout<Row> | undefined;
  return {
    async print(rows) {
      if (rows.length === 0) return;
      const isFirst = layout === undefined;
      layout ??= layOut(io, columns, rows);
      const { print } = layout;
      await io.print(`${isFirst ? print.head() : ''}${rows.map((row) => print.row(row)).join('\n')}`);
    },
  };
}

interface Layout<Row> {
  print: { head(): string; row(row: Row): string };
}

function layOut<Row>(io: Io, columns: readonly Column<Row>[], rows: readonly Row[]): Layout<Row> {
  let kept = columns.map((column) => {
    const texts = [io.text(column.title), ...rows.map((row) => clean(column.value(row)))];
    return { column, width: texts.reduce((widest, text) => Math.max(widest, widthOf(text)), 0) };
  });
  const total = () => kept.reduce((sum, { width }) => sum + width, 0) + GAP.length * (kept.length - 1);
  const { width: available = Number.POSITIVE_INFINITY } = io;
  while (total() > available) {
    const spare = kept.reduce((most, { column }) => Math.max(most, column.spare ?? 0), 0);
    if (spare === 0) break;
    const last = kept.findLastIndex(({ column }) => column.spare === spare);
    kept = kept.filter((_, index) => index !== last);
  }
  for (const each of kept.filter(({ column }) => column.cut)) {
    each.width = Math.max(Math.min(each.width, MIN_CUT), each.width - Math.max(0, total() - available));
  }
  if (total() > available) return { print: { head: () => '', row: (row) => card(io, columns, row) } };
  const line = (cell: (column: Column<Row>) => string, style: (column: Column<Row>) => Style | undefined) =>
    kept
      .map(({ column, width }, index) => {
        const text = fit(cell(column), width);
        const blanks = ' '.repeat(Math.max(0, width - widthOf(text)));
        const chosen = style(column);
        const styled = chosen === undefined ? text : io.style(chosen, text);
        if (column.right) return blanks + styled;
        return index === kept.length - 1 ? styled : styled + blanks;
      })
      .join(GAP)
      .trimEnd();
  return {
    print: {
      head: () =>
        `${line(
          ({ title }) => io.text(title),
          () => 'bold',
        )}\n`,
      row: (row) =>
        line(
          ({ value }) => clean(value(row)),
          ({ style }) => style?.(row),
        ),
    },
  };
}

/** A row where the terminal is too narrow for a table. Long texts go on in the next line. */
function card<Row>(io: Io, columns: readonly Column<Row>[], row: Row): string {
  const lines = columns.flatMap((column) => {
    const value = clean(column.value(row));
    const chosen = column.style?.(row);
    return value === ''
      ? []
      : [`${io.style('bold', `${io.text(column.title)}:`)} ${chosen === undefined ? value : io.style(chosen, value)}`];
  });
  return `${lines.join('\n')}\n`;
}

/** `name: value` lines, the names in one column; values that are null or empty are left out. */
export async function printFields(io: Io, fields: readonly (readonly [Text, string | null | undefined])[]): Promise<void> {
  const shown = fields.flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [[io.text(name), clean(value)] as const],
  );
  const width = shown.reduce((widest, [name]) => Math.max(widest, widthOf(name)), 0);
  for (const [name, value] of shown) {
    await io.print(`${io.style('bold', name)}${' '.repeat(width - widthOf(name))}${GAP}${value}`);
  }
}

/** Without what could command a terminal or change the direction of text: texts come from outside. */
export function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, ' ').trim();
}

/** Columns of a text in a terminal: marks take none, wide characters two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}

function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = '';
  let used = 1;
  for (const character of text) {
    used += widthOf(character);
    if (used > width) break;
    cut += character;
  }
  return `${cut.trimEnd()}…`;
}
