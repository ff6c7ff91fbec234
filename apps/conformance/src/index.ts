export { allCases } from './all-cases.ts';
export type { Case, CaseOutcome, Certainty } from './case.ts';
export type { Keys } from './kpay.ts';
export { exitCodeOf, formatJson, formatTable } from './report.ts';
export { type CaseResult, type RunOptions, runCases } from './run-cases.ts';
