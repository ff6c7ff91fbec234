import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { layersOf, readImportGraph } from './import-graph.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = (name: string) => join(root, name, 'src');
const packages = ['packages', 'apps'].flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`));

it.each(packages)('%s imports downwards only: no folder or loose file is in a cycle', (name) => {
  expect(layersOf(readImportGraph(sources(name))).cyclic).toEqual([]);
});

it.each([
  ['packages/transfers', 16],
  ['packages/runtime', 12],
  ['packages/core', 12],
  ['apps/admin-api', 12],
])('%s has at most %i folders and loose files', (name, most) => {
  expect(readImportGraph(sources(name)).nodes.length).toBeLessThanOrEqual(most);
});

it('packages/transfers has at most three loose files', () => {
  const loose = readdirSync(sources('packages/transfers')).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  expect(loose.length).toBeLessThanOrEqual(3);
});

describe('the graph', () => {
  const src = mkdtempSync(join(tmpdir(), 'graph-'));
  afterAll(() => rmSync(src, { recursive: true, force: true }));

  it('finds the imports that close a circle between folders, types included', () => {
    mkdirSync(join(src, 'upper'));
    mkdirSync(join(src, 'lower'));
    writeFileSync(join(src, 'index.ts'), "export { a } from './upper/a.ts';\n");
    writeFileSync(join(src, 'upper/a.ts'), "import {\n  b,\n} from '../lower/b.ts';\nexport const a = b;\n");
    writeFileSync(join(src, 'lower/b.ts'), "import type { A } from '../upper/types.ts';\nexport const b: A = 1;\n");
    writeFileSync(join(src, 'upper/types.ts'), 'export type A = number;\n');
    expect(layersOf(readImportGraph(src))).toEqual({
      layers: [],
      cyclic: ['index.ts imports upper/a.ts', 'lower/b.ts imports upper/types.ts', 'upper/a.ts imports lower/b.ts'],
    });
    writeFileSync(join(src, 'lower/b.ts'), 'export const b = 1;\n');
    expect(layersOf(readImportGraph(src))).toEqual({ layers: [['index.ts'], ['upper'], ['lower']], cyclic: [] });
  });
});
