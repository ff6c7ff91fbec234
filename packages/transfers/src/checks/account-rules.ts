import { InvalidAmountError, InvalidSettingsError, parseAmount } from '@kpay/core';
import { whyNoCorridor } from '../states/corridor.ts';
import type { SendWindow } from './send-window.ts';
import type { SpendLimit } from './spend-limit.ts';

/** The rules of an account, as the settings hold them. */
export interface AccountRuleSettings {
  name: string;
  checkDestinationPayouts?: boolean | undefined;
  sendWindow?: SendWindow | undefined;
  /** `amount` in units of the currency. */
  spendLimits?:
    | readonly { currency: string; amount: string | number; hours: number; corridor?: string | undefined }[]
    | undefined;
}

/** The same, parsed. */
export interface AccountRules {
  checkDestinationPayouts: boolean;
  sendWindow: SendWindow | null;
  spendLimits: readonly SpendLimit[];
}

/** The rules of an account that has none. */
export const noRules: AccountRules = { checkDestinationPayouts: false, sendWindow: null, spendLimits: [] };

/** The rules of accounts by name. @throws InvalidSettingsError naming the account and the field. */
export function readAccountRules(accounts: readonly AccountRuleSettings[]): ReadonlyMap<string, AccountRules> {
  return new Map(
    accounts.map(({ name, checkDestinationPayouts = false, sendWindow = null, spendLimits = [] }) => {
      const limits = spendLimits.map((limit, index) => readLimit(limit, `account ${name}: spendLimits[${index}]`));
      return [name, { checkDestinationPayouts, sendWindow, spendLimits: limits }];
    }),
  );
}

function readLimit(
  { currency, amount, hours, corridor }: NonNullable<AccountRuleSettings['spendLimits']>[number],
  place: string,
): SpendLimit {
  const noCorridor = corridor === undefined ? undefined : whyNoCorridor(corridor, currency);
  if (noCorridor !== undefined) throw new InvalidSettingsError(`${place}.corridor ${noCorridor}`);
  try {
    return { currency, amountMinor: parseAmount(amount, currency).amountMinor, hours, corridor: corridor ?? null };
  } catch (error) {
    if (error instanceof InvalidAmountError)
      throw new InvalidSettingsError(`${place}.amount ${error.message} (of KPAY_SPEND_LIMITS or the accounts file)`);
    throw error;
  }
}
