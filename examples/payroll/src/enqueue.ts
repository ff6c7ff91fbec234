import { readFileSync } from 'node:fs';
import { createProducer, TransferFailedError } from '@kpay/producer';

// node src/enqueue.ts payroll.csv, with lines such as
//   november-ada,CMR,SEN,150000
//
// Started again, it enqueues the same transfers: an externalId is one transfer for ever.
const [file = 'payroll.csv'] = process.argv.slice(2);
const lines = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '');

const producer = createProducer({
  account: process.env.KPAY_ACCOUNT ?? 'default',
  connection: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
});
try {
  const transfers = await Promise.all(
    lines.map((line) => {
      const [externalId = '', sourceCountry = '', destinationCountry = '', amount = ''] = line.split(',');
      return producer.enqueue({ externalId, sourceCountry, destinationCountry, amount });
    }),
  );
  for (const transfer of transfers) {
    try {
      const { state, destinationAmount } = await transfer.finished({ timeoutMs: 60_000 });
      console.log(transfer.externalId, state, destinationAmount);
    } catch (error) {
      if (!(error instanceof TransferFailedError)) throw error;
      console.error(transfer.externalId, 'moved nothing:', error.reason);
      process.exitCode = 1;
    }
  }
} finally {
  await producer.close();
}
