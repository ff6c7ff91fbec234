import { openEmbeddedDatabase } from '@kpay/runtime';
import { pino } from 'pino';

// Opens the folder it is given, says so, and keeps it.
const [dataDir = ''] = process.argv.slice(2);
await openEmbeddedDatabase({ dataDir, logger: pino({ level: 'silent' }) });
process.stdout.write('open\n');
setInterval(() => {}, 60_000);
