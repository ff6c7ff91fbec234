// Where a cell may begin for a spreadsheet of any locale: at the beginning of the text, and after what some locale takes for
// a separator, or any program for the end of a row. Quotes and spaces before the formula are looked through. What is run over
// in vain is part of the match, so that the time grows with the text.
const CELL_BEGINS = /(^|[,;|\t\r\n])(["\s]*)([=+\-@\uff0b\uff0d\uff1d\uff20])?/g;

/** A text in which no spreadsheet finds a formula: an apostrophe stands before each character that could begin one. */
export function withoutFormulas(text: string): string {
  return text.replace(CELL_BEGINS, (all, separator: string, before: string, formula: string | undefined) =>
    formula === undefined ? all : `${separator}${before}'${formula}`,
  );
}
