import type { Transfer } from '@kpay/admin-client';
import type { Cli } from '../framework/command.ts';
import { printTransfer } from './print-transfer.ts';

export async function printJson({ io }: Cli, value: unknown): Promise<void> {
  await io.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** One transfer, in the form that was asked for. */
export async function printOne(cli: Cli, transfer: Transfer): Promise<void> {
  if (cli.format === 'json') await printJson(cli, transfer);
  else await printTransfer(cli.io, transfer);
}
