import { mkdirSync } from 'node:fs';
import { createFileMemory, Kpay, KpayError, OutcomeUnknownError } from '@kpay/core';

// node src/send.ts <externalId> <from> <to> <amount>
//
// Started again with the same words, after a crash or out of doubt, it goes on where it was: the money moves once.
const [externalId = '', sourceCountry = '', destinationCountry = '', amount = ''] = process.argv.slice(2);
if (!/^[\w-]{1,64}$/.test(externalId)) {
  console.error('usage: node src/send.ts invoice-7 CMR GAB 50000');
  process.exit(2);
}
mkdirSync('transfers', { recursive: true });

const kpay = new Kpay();
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
try {
  const made = await kpay.transferUntilKnown(
    { externalId, sourceCountry, destinationCountry, amount },
    { memory: createFileMemory(`transfers/${externalId}.json`), signal: stop.signal },
  );
  console.log(made.confirmedBy === 'answer' ? `made: ${made.receipt.id}` : 'made, and KPay shows no receipt');
} catch (error) {
  if (!(error instanceof KpayError)) throw error;
  console.error(error.message);
  // Nobody knows whether the money moved: start it again, or ask KPay. Never use another id.
  if (error instanceof OutcomeUnknownError) console.error(error.next === 'send_again' ? 'start it again' : 'ask KPay');
  process.exitCode = error instanceof OutcomeUnknownError ? 7 : 1;
} finally {
  await kpay.close();
}
