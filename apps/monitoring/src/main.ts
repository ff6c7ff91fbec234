import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildDashboards } from './dashboards.ts';

// Run it after a change: npm run dashboards. A test compares the files in the repository with the built ones.
const folder = fileURLToPath(new URL('../../../docker/grafana/dashboards/', import.meta.url));
for (const [name, built] of buildDashboards()) writeFileSync(folder + name, `${JSON.stringify(built, null, 2)}\n`);
