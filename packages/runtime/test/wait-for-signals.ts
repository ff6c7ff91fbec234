import { onSignals } from '@kpay/runtime';

// Says which signal asked it to stop, and does not.
onSignals((signal) => process.stdout.write(`asked by ${signal}\n`));
process.stdout.write('ready\n');
setInterval(() => {}, 60_000);
