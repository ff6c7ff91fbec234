import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildDashboards } from '../src/dashboards.ts';
import { UNKNOWN } from '../src/panels.ts';

const folder = new URL('../../../docker/grafana/dashboards/', import.meta.url);

it('the checked-in dashboards are those that the code builds (npm run dashboards)', () => {
  const built = buildDashboards();
  expect(readdirSync(folder).toSorted()).toEqual([...built.keys()].toSorted());
  for (const [name, dashboard] of built) {
    expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(`${JSON.stringify(dashboard, null, 2)}\n`);
  }
});

describe.each([...buildDashboards()])('%s', (_name, dashboard) => {
  const text = JSON.stringify(dashboard);

  it('asks the data source and the accounts that are chosen, and no other', () => {
    expect(dashboard.templating?.list?.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['account', 'query'],
    ]);
    const uids = [...text.matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid).filter((uid) => uid !== dashboard.uid);
    expect(new Set(uids)).toEqual(new Set(['$datasource']));
  });

  it('is grey where nothing is known, and makes no 0 of it', () => {
    expect(text).not.toContain('vector(');
    const firstSteps = [...text.matchAll(/"steps":\[\{"value":null,"color":"([^"]+)"/g)].map(([, color]) => color);
    expect(firstSteps.filter((color) => color !== UNKNOWN)).toEqual([]);
    expect(text).not.toMatch(/"0":\{[^}]*"color":"green"/);
  });
});
