// The places where a spreadsheet of any locale may begin a cell: at the beginning of the text, and after every
// character that some locale takes for a separator or some program for the end of a row. Quotes and spaces before the
// formula are skipped. Text that is searched in vain is part of the match, so that the time grows in proportion to the
// text.
const CELL_BEGINS = /(^|[,;|\t\r\n])(["\s]*)([=+\-@\uff0b\uff0d\uff1d\uff20])?/g;

/** Makes a text safe for spreadsheets: an apostrophe precedes each character that could begin a formula. */
export function withoutFormulas(text: string): string {
  return text.replace(CELL_BEGINS, (all, separator: string, before: string, formula: string | undefined) =>
    formula === undefined ? all : `${separator}${before}'${formula}`,
  );
}
