import type { Finding, FindingLevel } from './finding.ts';

const LABELS: Readonly<Record<FindingLevel, string>> = { good: 'good', warning: 'WARNING', wrong: 'WRONG', skipped: 'skipped' };

/** The findings as a table: verdict, check, what is so, and under it the command that fixes it. */
export function printFindings(findings: readonly Finding[], print: (line: string) => void): void {
  const width = Math.max(...findings.map(({ check }) => check.length));
  for (const { check, verdict, what, fix } of findings) {
    const [first = '', ...more] = what.split('\n');
    const indent = ' '.repeat(width + 13);
    print(`  ${LABELS[verdict].padEnd(7)}  ${check.padEnd(width)}  ${first}`);
    for (const line of more) print(`${indent}${line}`);
    if (fix !== undefined) print(`${indent}→ ${fix}`);
  }
  const count = (verdict: FindingLevel) => findings.filter((each) => each.verdict === verdict).length;
  const [wrong, warnings] = [count('wrong'), count('warning')];
  print('');
  if (wrong === 0 && warnings === 0) print('Nothing is wrong.');
  else print(`${wrong} wrong, ${warnings} to look at.`);
}
