import { localPostgres, localRedis } from '@kpay/testkit';

// Starts what can be had, writes its pids, and waits to be killed.
const servers = [await localRedis(), await localPostgres()];
const pids = servers.flatMap((server) => ('unavailable' in server ? [] : [server.pid]));
process.stdout.write(`${pids.join(' ')}\n`);
setInterval(() => {}, 60_000);
