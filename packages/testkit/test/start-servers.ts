import { startPostgres, startRedis } from '@kpay/testkit';

// Starts what can be had, writes its pids, and waits to be killed.
const servers = [await startRedis(), await startPostgres()];
const pids = servers.flatMap((server) => ('unavailable' in server ? [] : [server.pid]));
process.stdout.write(`${pids.join(' ')}\n`);
setInterval(() => {}, 60_000);
