import { expect, it } from 'vitest';
import { readPublicFace } from './public-face.ts';

// An editor shows the doc comment of what somebody points at. Packages that others install have one for every name.
it.each(['packages/core', 'packages/producer', 'apps/simulator'])(
  'every exported name and member of %s has a hover',
  (folder) => {
    const face = readPublicFace(folder);
    expect(face.filter(({ hover }) => hover === '').map(({ name, file }) => `${name} (${file})`)).toEqual([]);
    // Without this, a package whose entry point is not found would pass.
    expect(face.length).toBeGreaterThan(50);
  },
);
