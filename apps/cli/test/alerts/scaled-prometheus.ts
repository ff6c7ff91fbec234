import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, freePort, type OwnServer, runLocal, temporaryFolder } from '@kpay/testkit';
import { parse, stringify } from 'yaml';

const DOCKER = fileURLToPath(new URL('../../../../docker/', import.meta.url));
/** Minutes of the real files pass in seconds. */
const FACTOR = 60;

interface PrometheusConfig {
  global: Record<string, string>;
  alerting: { alertmanagers: unknown[] };
  scrape_configs: { job_name: string }[];
}

interface AlertmanagerConfig {
  route: Record<string, unknown> & { routes: Record<string, unknown>[] };
  receivers: { name: string; webhook_configs: { url: string }[] }[];
}

/** Debian's Prometheus on the files of docker/prometheus, sixty times as fast and with addresses of this machine. */
export async function startPrometheus(targets: Readonly<Record<string, string>>, alertmanager: string): Promise<OwnServer> {
  const folder = temporaryFolder();
  cpSync(join(DOCKER, 'prometheus/rules'), join(folder.path, 'rules'), { recursive: true });
  const rules = join(folder.path, 'rules/kpay.yml');
  writeFileSync(rules, scaleDurations(readFileSync(rules, 'utf8')));
  const config: PrometheusConfig = parse(readFileSync(join(DOCKER, 'prometheus/prometheus.yml'), 'utf8'));
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
  config.alerting.alertmanagers = [{ static_configs: [{ targets: [alertmanager] }] }];
  config.scrape_configs = config.scrape_configs.map(({ job_name }) => ({
    job_name,
    static_configs: [{ targets: [targetOf(targets, job_name)] }],
  }));
  const file = join(folder.path, 'prometheus.yml');
  writeFileSync(file, stringify(config));
  const port = await freePort();
  return runLocal({
    command: [
      programOf('prometheus'),
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--rules.alert.resend-delay=1s',
      '--enable-feature=exemplar-storage',
    ],
    port,
    url: `http://127.0.0.1:${port}`,
    stopSignal: 'SIGTERM',
    removeData: folder.remove,
    readyText: 'Server is ready to receive web requests',
  });
}

/** Debian's Alertmanager with the routes of docker/alertmanager, which notifies `receiver` at once. */
export async function startAlertmanager(receiver: string): Promise<OwnServer> {
  const folder = temporaryFolder();
  const config: AlertmanagerConfig = parse(readFileSync(join(DOCKER, 'alertmanager/alertmanager.yml'), 'utf8'));
  const atOnce = { group_wait: '0s', group_interval: '1s' };
  config.route = { ...config.route, ...atOnce, routes: config.route.routes.map((route) => ({ ...route, ...atOnce })) };
  for (const { name, webhook_configs: hooks } of config.receivers) for (const hook of hooks) hook.url = `${receiver}/${name}`;
  const file = join(folder.path, 'alertmanager.yml');
  writeFileSync(file, stringify(config));
  const port = await freePort();
  return runLocal({
    command: [
      programOf('prometheus-alertmanager'),
      `--config.file=${file}`,
      `--storage.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    port,
    url: `http://127.0.0.1:${port}`,
    stopSignal: 'SIGTERM',
    removeData: folder.remove,
    readyText: 'Listening on',
  });
}

/** Shortens every `for:`, `keep_firing_for:`, range and offset of the rules; thresholds stay. */
function scaleDurations(rules: string): string {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
  const scale = (count: string, unit: string) => `${Math.max(1, Math.round((Number(count) * (units[unit] ?? 1)) / FACTOR))}s`;
  return rules
    .replaceAll(/(\b(?:keep_firing_)?for: )(\d+)([smhd])\b/g, (_all, before, count, unit) => before + scale(count, unit))
    .replaceAll(/\[(\d+)([smhd])\]/g, (_all, count, unit) => `[${scale(count, unit)}]`);
}

function targetOf(targets: Readonly<Record<string, string>>, job: string): string {
  const target = targets[job];
  if (target === undefined) throw new Error(`there is no process for the job ${job}`);
  return new URL(target).host;
}

export function programOf(name: string): string {
  const program = findProgram([name]);
  if (program === undefined) throw new Error(`there is no ${name} on PATH`);
  return program;
}
