import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findProgram, unavailable } from '@kpay/testkit';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const DOCKER = fileURLToPath(new URL('../../../docker/', import.meta.url));
const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface Rule {
  alert?: string;
  expr: string;
  for?: string;
  keep_firing_for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url: string };
}

const { groups } = parse(read('docker/prometheus/rules/kpay.yml')) as { groups: { rules: Rule[] }[] };
const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
const { tests } = parse(read('docker/prometheus/rules.test.yml')) as { tests: { name: string }[] };

describe('every alert', () => {
  const headings = read('docs/runbook.md')
    .split('\n')
    .filter((line) => /^#+ Kpay\w+$/.test(line))
    .map((line) => line.replace(/^#+ /, ''));

  it('has a severity, a sentence, and an entry of its own in the runbook', () => {
    expect(alerts.length).toBeGreaterThan(20);
    for (const { alert = '', labels, annotations } of alerts) {
      expect(['critical', 'warning', 'info', 'none']).toContain(labels.severity);
      expect(annotations.summary, alert).toMatch(/^[A-Z{].+[.?]$/s);
      // No link is better than a broken one.
      const link = `{{ with $externalLabels.kpay_runbook }}{{ . }}#${alert.toLowerCase()}{{ end }}`;
      expect(annotations.runbook_url).toBe(link);
    }
    expect(headings.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  it('has a case in which it fires and one in which it must not', () => {
    const wanted = alerts.flatMap(({ alert }) => [`${alert} fires`, `${alert} stays silent`]);
    const names = tests.map(({ name }) => name);
    // The one that always fires.
    expect(wanted.filter((name) => !names.includes(name))).toEqual(['KpayWatchdog stays silent']);
  });

  it('on a figure keeps its last known value, and has a case of vanished series', () => {
    // Alerts without a figure, and those about a single process.
    const others = /^Kpay(\w+Down|EventLoopBlocked|Watchdog)$/;
    const figures = alerts.filter(({ alert = '' }) => alert === 'KpayDown' || !others.test(alert));
    for (const { alert, expr } of figures) expect(expr, alert).toContain('last_over_time(kpay:');
    const wanted = figures.map(({ alert }) => `${alert} is kept in silence`);
    expect(
      tests
        .map(({ name }) => name)
        .filter((name) => name.endsWith('in silence'))
        .toSorted(),
    ).toEqual(wanted.toSorted());
  });

  it('on events survives the process that counted them, and has a case of a restart', () => {
    const events = alerts.filter(({ expr }) => expr.includes(':increase'));
    expect(events.length).toBeGreaterThan(3);
    for (const { alert, expr, keep_firing_for: kept } of events) expect(expr, alert).toContain(`:increase${kept}[`);
    expect(tests.map(({ name }) => name)).toEqual(
      expect.arrayContaining(events.map(({ alert }) => `${alert} is kept when its process begins anew`)),
    );
    // An increase in an alert itself forgets the events of a series that has vanished.
    for (const { alert, expr } of alerts) expect(expr, alert).not.toMatch(/(increase|rate)\(/);
  });

  it('of a closed operator is told within a minute, whatever else fires', () => {
    interface Route {
      matchers: string[];
      group_by: string[];
      group_wait: string;
    }
    const { route } = parse(read('docker/alertmanager/alertmanager.yml')) as { route: { routes: Route[] } };
    const own = route.routes.find(({ matchers }) => matchers.some((matcher) => matcher.includes('KpayOperatorClosed')));
    expect(own?.group_by).toEqual(expect.arrayContaining(['account', 'country', 'provider']));
    expect(own?.group_wait).toBe('10s');
    // Scrape and evaluation take 15 s each.
    expect(alerts.find(({ alert }) => alert === 'KpayOperatorClosed')?.for).toBeUndefined();
  });
});

const promtool = findProgram(['promtool']) ?? unavailable('there is no promtool on PATH');
const TOOL_TIMEOUT_MS = 120_000;
it.skipIf(typeof promtool !== 'string').each([
  ['check', 'config', 'prometheus.yml'],
  ['check', 'rules', 'rules/kpay.yml'],
  ['test', 'rules', 'rules.test.yml'],
])('promtool %s %s %s is content', { timeout: TOOL_TIMEOUT_MS }, (...command) => {
  const ran = spawnSync(String(promtool), command, { cwd: `${DOCKER}prometheus`, encoding: 'utf8' });
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
});

const amtool = findProgram(['amtool']) ?? unavailable('there is no amtool on PATH');
it.skipIf(typeof amtool !== 'string')("Alertmanager's example is one it takes", () => {
  const ran = spawnSync(String(amtool), ['check-config', `${DOCKER}alertmanager/alertmanager.yml`], { encoding: 'utf8' });
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
});
