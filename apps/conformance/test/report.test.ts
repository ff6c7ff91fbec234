import { expect, it } from 'vitest';
import { type CaseOutcome, type Certainty, reads } from '../src/case.ts';
import { createRedactor } from '../src/redact.ts';
import { exitCodeOf, formatJson, formatTable } from '../src/report.ts';

const held: CaseOutcome = { kind: 'held', seen: 'status 200' };
const broken: CaseOutcome = { kind: 'broken', seen: 'status 500' };
const notTried: CaseOutcome = { kind: 'not tried', why: 'would take a day' };

function resultOf(certainty: Certainty, verdict: CaseOutcome) {
  return { case: reads(`${certainty}.fact`, certainty, 'It is so.', async () => verdict), verdict };
}

it.each<[Certainty, CaseOutcome, 0 | 1]>([
  ['page', broken, 1],
  ['docs', broken, 1],
  ['wild', broken, 0],
  ['inferred', broken, 0],
  ['page', notTried, 0],
  ['page', held, 0],
])('a fact of %s that is %o ends the run with %i', (certainty, verdict, code) => {
  expect(exitCodeOf([resultOf('page', held), resultOf(certainty, verdict)])).toBe(code);
});

it('a run in which nothing held is no success', () => {
  expect(exitCodeOf([resultOf('page', notTried)])).toBe(1);
  expect(exitCodeOf([resultOf('wild', broken)])).toBe(1);
});

it('prints a line for each case, counts them, and tells a breach from a deviation', () => {
  expect(formatTable([resultOf('page', broken), resultOf('wild', broken), resultOf('docs', notTried)])).toBe(
    `case       certainty  result     seen
page.fact  page       broken     status 500
wild.fact  wild       broken     status 500
docs.fact  docs       not tried  would take a day

0 held, 2 broken, 1 not tried
broken: page.fact: It is so.
differs, though nothing documents it: wild.fact: It is so.
`,
  );
});

it('the JSON says the same', () => {
  expect(JSON.parse(formatJson([resultOf('page', held)]))).toEqual({
    exitCode: 0,
    cases: [{ name: 'page.fact', fact: 'It is so.', certainty: 'page', movesMoney: false, result: 'held', seen: 'status 200' }],
  });
});

it('secrets, tokens and phone numbers are hidden, documented sandbox numbers are not', () => {
  const { redact, addSecret } = createRedactor(['sk_live_key']);
  addSecret('opaque-token');
  expect(redact('sk_live_key, opaque-token, eyJhbGciOi.eyJzdWIi.c2ln, 237699123456, 237653456789')).toBe(
    '[secret], [secret], [token], [12 digits], 237653456789',
  );
});
