import type { Certainty } from './case.ts';
import type { CaseResult } from './run-cases.ts';

/** The sources that KPay documents. A deviation from any other source is news, not a breach. */
const documented: readonly Certainty[] = ['page', 'docs'];

/** 1 when a documented fact is broken, or when no case held, so that a run without any answer is no success. */
export function exitCodeOf(results: readonly CaseResult[]): 0 | 1 {
  const breach = results.some(({ case: { certainty }, verdict }) => verdict.kind === 'broken' && documented.includes(certainty));
  return breach || !results.some(({ verdict }) => verdict.kind === 'held') ? 1 : 0;
}

/** One line for each case, and a last line that counts them. */
export function formatTable(results: readonly CaseResult[]): string {
  const rows = results.map(({ case: { name, certainty }, verdict }) => [name, certainty, verdict.kind, remarkOf(verdict)]);
  return `${alignColumns([['case', 'certainty', 'result', 'seen'], ...rows])}\n\n${summaryOf(results)}\n`;
}

/** The same, for programs. */
export function formatJson(results: readonly CaseResult[]): string {
  const cases = results.map(({ case: { name, fact, certainty, movesMoney }, verdict: { kind: result, ...remark } }) => ({
    name,
    fact,
    certainty,
    movesMoney,
    result,
    ...remark,
  }));
  return `${JSON.stringify({ exitCode: exitCodeOf(results), cases }, null, 2)}\n`;
}

/** Aligns columns to their widest cell, except the last one. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function summaryOf(results: readonly CaseResult[]): string {
  const count = (result: string) => results.filter(({ verdict }) => verdict.kind === result).length;
  const lines = [`${count('held')} held, ${count('broken')} broken, ${count('not tried')} not tried`];
  for (const { case: each, verdict } of results) {
    if (verdict.kind !== 'broken') continue;
    const kind = documented.includes(each.certainty) ? 'broken' : 'differs, though nothing documents it';
    lines.push(`${kind}: ${each.name}: ${each.fact}`);
  }
  return lines.join('\n');
}

function remarkOf(verdict: CaseResult['verdict']): string {
  return verdict.kind === 'not tried' ? verdict.why : verdict.seen;
}
