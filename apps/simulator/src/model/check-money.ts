import type { Application } from './application.ts';
import { decimalsOf } from './catalogue.ts';
import { formatMinor, toMinor } from './decimal.ts';
import type { TransferRecord } from './truth-event.ts';
import type { Wallet } from './wallets.ts';

/**
 * Whether money is conserved: each wallet holds what was put in, minus what its completed transfers took, plus what
 * they brought, and no externalId has two completed transfers. Answers one sentence for each thing that is wrong.
 */
export function checkMoney(applications: readonly Application[], transfers: readonly TransferRecord[]): string[] {
  const expected = new Map<string, bigint>();
  const wallets = applications.flatMap(({ id, wallets: owned }) => owned.map((wallet) => ({ key: keyOf(id, wallet), wallet })));
  for (const { key, wallet } of wallets) expected.set(key, wallet.fundedMinor);

  const problems: string[] = [];
  const seen = new Set<string>();
  const add = (key: string, amount: string, currency: string, sign: bigint) =>
    expected.set(key, (expected.get(key) ?? 0n) + sign * (toMinor(amount, decimalsOf(currency)) ?? 0n));
  for (const transfer of transfers) {
    if (transfer.status !== 'COMPLETED') continue;
    const { applicationId: owner, sourceCurrency, destinationCurrency } = transfer;
    add(keyOf(owner, { country: transfer.sourceCountry, currency: sourceCurrency }), transfer.amount, sourceCurrency, -1n);
    add(
      keyOf(owner, { country: transfer.destinationCountry, currency: destinationCurrency }),
      transfer.destinationAmount,
      destinationCurrency,
      1n,
    );
    if (transfer.externalId === null) continue;
    const id = `${owner} ${transfer.externalId}`;
    if (seen.has(id)) problems.push(`externalId ${transfer.externalId} of application ${owner} has two completed transfers`);
    seen.add(id);
  }

  for (const { key, wallet } of wallets) {
    const should = expected.get(key) ?? 0n;
    if (should === wallet.balanceMinor) continue;
    const decimals = decimalsOf(wallet.currency);
    problems.push(`${key} holds ${formatMinor(wallet.balanceMinor, decimals)} instead of ${formatMinor(should, decimals)}`);
  }
  return problems;
}

function keyOf(applicationId: string, { country, currency }: Pick<Wallet, 'country' | 'currency'>): string {
  return `${applicationId} ${country} ${currency}`;
}
