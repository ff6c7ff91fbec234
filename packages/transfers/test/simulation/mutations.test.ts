import { expect, it } from 'vitest';
import { assertApplies, mutations } from './mutations.ts';

it('every mutation applies to the source as it is', () => {
  for (const mutation of mutations) expect(() => assertApplies(mutation), mutation.what).not.toThrow();
});
