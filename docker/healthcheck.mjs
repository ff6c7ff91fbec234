// For HEALTHCHECK: whether the app in this container is ready. Exits 1 with what is missing when it is not.
const { KPAY_APP: app = '', ...env } = process.env;
const ports = {
  worker: env.WORKER_PORT || 9465,
  exporter: env.EXPORTER_PORT || 9464,
  'admin-api': env.ADMIN_API_PORT || 8080,
};
// The others are not asked: a command line that runs is healthy, and the simulator answers to nobody but tests.
if (app in ports) {
  const answer = await fetch(`http://127.0.0.1:${ports[app]}/readyz`, { signal: AbortSignal.timeout(4_000) });
  if (!answer.ok) {
    process.stderr.write(await answer.text());
    process.exitCode = 1;
  }
}
