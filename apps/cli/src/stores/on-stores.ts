import { userInfo } from 'node:os';
import { InvalidSettingsError } from '@kpay/core';
import { LedgerBehind, LedgerUnusable } from '@kpay/ledger';
import { StartError } from '@kpay/runtime';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';

/** Who stands in the history of what a command did on the stores. */
export function storesActor(): string {
  return `cli:${userInfo().username}`;
}

/** Runs a command on the stores. What a person can fix is told in one line, without a stack. @throws Failure (1) */
export async function onStores<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const known = [StartError, InvalidSettingsError, LedgerUnusable, LedgerBehind].some((kind) => error instanceof kind);
    if (!known || !(error instanceof Error)) throw error;
    throw new Failure(exitCodes.failed, { en: error.message, fr: error.message }, { cause: error });
  }
}
