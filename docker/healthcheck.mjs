// For HEALTHCHECK: whether the app in this container is ready. When it is not, it exits 1 and prints what is missing.
const { KPAY_APP: app = '', ...env } = process.env;
const ports = {
  worker: env.WORKER_PORT || 9465,
  exporter: env.EXPORTER_PORT || 9464,
  'admin-api': env.ADMIN_API_PORT || 8080,
};
// Other apps are not checked: a command line that runs is healthy, and the simulator serves only tests.
if (app in ports) {
  const answer = await fetch(`http://127.0.0.1:${ports[app]}/readyz`, { signal: AbortSignal.timeout(4_000) });
  if (!answer.ok) {
    process.stderr.write(await answer.text());
    process.exitCode = 1;
  }
}
