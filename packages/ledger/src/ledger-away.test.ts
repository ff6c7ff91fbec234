import { expect, it } from 'vitest';
import { isLedgerAway } from './ledger-away.ts';

const coded = (code: string) => Object.assign(new Error('it says why'), { code });

it.each([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'].map(coded),
  ...['08006', '25006', '40001', '40P01', '53300', '57014', '57P01', '57P03', '58030', '55P03'].map(coded),
  // As pg and pg-pool throw them, without a code.
  new Error('Connection terminated unexpectedly'),
  new Error('Connection terminated due to connection timeout'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Client has encountered a connection error and is not queryable'),
  new Error('Query read timeout'),
])('%s: the ledger is away, and the same may succeed later', (error) => {
  expect(isLedgerAway(error)).toBe(true);
});

it.each([
  ...['22P05', '23514', '42601', 'P0001', 'XX000', 'ERR_INVALID_ARG_TYPE'].map(coded),
  new Error('Cannot use a pool after calling end on the pool'),
  new Error('driver has already been destroyed'),
  new TypeError('x is not a function'),
  'a text',
  undefined,
])('%s: it is not', (error) => {
  expect(isLedgerAway(error)).toBe(false);
});
