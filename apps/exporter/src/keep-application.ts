import { type Keys, type KpayAccount, type Me, Rejected, Retryable } from '@kpay/core';
import { type Logger, reasonOf } from '@kpay/runtime';

const ASK_AGAIN_MS = 30_000;

/** Remembers which application an account's keys are of, so that keys of another one are refused. */
export interface ApplicationKeeper {
  /** @throws Error when the keys are of another application or environment; Rejected, Retryable as any read of KPay. */
  changeKeys(keys: Keys): Promise<void>;
  close(): Promise<void>;
}

/**
 * The exporter has no ledger that remembers the application, so it asks KPay at its start. While KPay has not answered,
 * nothing was observed with the old keys either, and any keys of the account's environment will do. Keys of another
 * environment raise an alarm and are asked about again: the other accounts are shown on.
 */
export function keepApplication(account: KpayAccount, logger: Logger): ApplicationKeeper {
  const stopping = new AbortController();
  const { signal } = stopping;
  let known: string | undefined;
  let told: string | undefined;
  const ask = (of: KpayAccount) => of.client.me({ lane: 'metrics', signal });

  const asking = (async () => {
    while (known === undefined && !signal.aborted) {
      try {
        known ??= applicationOf(account, await ask(account));
      } catch (error) {
        const reason = reasonOf(error);
        if (!(error instanceof Retryable || error instanceof Rejected) && !signal.aborted && reason !== told) {
          told = reason;
          logger.error({ account: account.name, alarm: 'keys', reason }, 'the keys cannot be those of the account');
        }
        await account.clock.sleep(ASK_AGAIN_MS, signal).catch(() => {});
      }
    }
  })();
  return {
    changeKeys: (keys) =>
      account.changeKeys(keys, async (candidate) => {
        const found = applicationOf(account, await ask(candidate));
        if (known !== undefined && found !== known)
          throw new Error(`the keys are of application ${found}, and account ${account.name} is ${known}`);
        known = found;
      }),
    async close() {
      stopping.abort();
      await asking;
    },
  };
}

function applicationOf({ name, environment }: KpayAccount, me: Me): string {
  if (me.environment === environment) return me.application.id;
  throw new Error(`the keys are for ${me.environment}, and account ${name} is ${environment}`);
}
