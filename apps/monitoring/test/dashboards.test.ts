import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { buildDashboards } from '../src/dashboards.ts';

const folder = new URL('../../../docker/grafana/dashboards/', import.meta.url);

it('the dashboards that are checked in are those that the code builds (npm run dashboards)', () => {
  const built = buildDashboards();
  expect(readdirSync(folder).toSorted()).toEqual([...built.keys()].toSorted());
  for (const [name, dashboard] of built) {
    expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(`${JSON.stringify(dashboard, null, 2)}\n`);
  }
});
