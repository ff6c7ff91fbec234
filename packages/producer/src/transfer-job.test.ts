import { describe, expect, it } from 'vitest';
import { transferWishSchema } from './index.ts';

const good = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

describe('a text that Postgres cannot store', () => {
  it.each([
    ['externalId', { ...good, externalId: 'order\0' }],
    ['description', { ...good, description: 'half a smile: \ud83d' }],
    ['metadata.team', { ...good, metadata: { team: '\udc00' } }],
    ['metadata.te\0am', { ...good, metadata: { 'te\0am': 'treasury' } }],
  ])('is refused, not recorded in part: %s', (field, wish) => {
    const issue = transferWishSchema.safeParse(wish).error?.issues[0];
    expect(issue?.path.join('.')).toBe(field);
    expect(issue?.message).toBe('must not contain NUL characters or halves of surrogate pairs');
  });

  it('is not one with whole surrogate pairs', () => {
    expect(transferWishSchema.parse({ ...good, description: 'paid 😀' }).description).toBe('paid 😀');
  });
});
