import { openEmbeddedDatabase } from '@kpay/runtime';
import { sql } from 'kysely';
import { pino } from 'pino';

// Inserts rows one after the other, each in a transaction, and writes each number when its commit was acknowledged.
const [dataDir = '', rows = '0'] = process.argv.slice(2);
const database = await openEmbeddedDatabase({ dataDir, logger: pino({ level: 'silent' }) });
const db = database.kysely<{ 'kpay.row': { n: number } }>();
await sql`create schema if not exists kpay`.execute(db);
await sql`create table if not exists kpay.row (n int primary key)`.execute(db);
process.stdout.write('begin\n');
for (let n = 1; n <= Number(rows); n++) {
  await db.transaction().execute((trx) => trx.insertInto('kpay.row').values({ n }).execute());
  process.stdout.write(`${n}\n`);
}
process.stdout.write('end\n');
await database.close();
