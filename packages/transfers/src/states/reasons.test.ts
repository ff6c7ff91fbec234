import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reasonCodeOf, reasonCodes } from './reasons.ts';

describe('reason codes', () => {
  it('are those that docs/flow.md lists', () => {
    const [, section = ''] = readFileSync(join(import.meta.dirname, '../../../../docs/flow.md'), 'utf8').split('## Reason codes');
    const cells = section.split('\n').flatMap((line) => /^\| (`[^|]+) \|/.exec(line)?.[1] ?? []);
    const documented = cells.flatMap((cell) => cell.match(/[a-z_]+(?=`)/g) ?? []);
    expect([...new Set(documented)].toSorted()).toEqual([...reasonCodes].toSorted());
  });

  it.each([
    ['paused', 'paused'],
    ['kpay_403', 'kpay_403'],
    ['blackout/closed', 'blackout/closed'],
    ['closed', 'unnamed/closed'],
    ['kpay_', 'unnamed/kpay_'],
  ])('%s is stored as %s', (code, stored) => {
    expect(reasonCodeOf(code)).toBe(stored);
  });
});
