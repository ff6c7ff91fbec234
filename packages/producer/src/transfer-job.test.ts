import { describe, expect, it } from 'vitest';
import { transferRequestSchema } from './index.ts';

const good = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

describe('a text with a character that no store or reader should get', () => {
  it.each([
    ['externalId', 'U+0000', { ...good, externalId: 'order\0' }],
    ['externalId', 'U+200D', { ...good, externalId: 'order\u200d' }],
    ['description', 'U+D83D', { ...good, description: 'half a smile: \ud83d' }],
    ['metadata.team', 'U+DC00', { ...good, metadata: { team: '\udc00' } }],
    ['metadata.te\0am', 'U+0000', { ...good, metadata: { 'te\0am': 'treasury' } }],
  ])('is refused, not recorded in part: %s, %s', (field, character, request) => {
    const issue = transferRequestSchema.safeParse(request).error?.issues[0];
    expect(issue?.path.join('.')).toBe(field);
    expect(issue?.message).toBe(`must not contain ${character}: control and invisible characters are refused`);
  });

  it('is not one with whole surrogate pairs', () => {
    expect(transferRequestSchema.parse({ ...good, description: 'paid 😀' }).description).toBe('paid 😀');
  });
});
