/** Where a cell may begin for a spreadsheet of any locale, as in the API's own CSV (docs/api.md). */
const CELL_BEGINS = /(^|[,;|\t\r\n])(["\s]*)([=+\-@\uff0b\uff0d\uff1d\uff20])?/g;
const NUMBER = /^-?\d+(\.\d+)?$/;

/** Rows as CSV (RFC 4180), with their head. Numbers stand as they are; other texts cannot begin a formula. */
export function csvOf(rows: readonly (readonly (string | number | boolean | null)[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(',')}\r\n`).join('');
}

function cellOf(value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value);
  const safe = NUMBER.test(text)
    ? text
    : text.replace(CELL_BEGINS, (all, separator: string, before: string, formula: string | undefined) =>
        formula === undefined ? all : `${separator}${before}'${formula}`,
      );
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
