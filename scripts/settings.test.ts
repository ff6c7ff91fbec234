import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REFERENCE, settingsReference } from './settings.ts';

it('docs/settings.md is what the schema of the settings says (npm run settings)', () => {
  expect(readFileSync(REFERENCE, 'utf8')).toBe(settingsReference());
});
