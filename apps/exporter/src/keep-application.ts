import { type Keys, type KpayAccount, RejectedError } from '@kpay/core';
import { type Logger, reasonOf } from '@kpay/runtime';
import { type Ledger, PinMismatch } from '@kpay/transfers';
import { comparePin } from '@kpay/transfers/worker';

const ASK_AGAIN_MS = 10_000;
/** Only a person can change this, and every request takes budget from the senders. */
const OTHER_AGAIN_MS = 30_000;

/** Checks whether the keys of an account belong to the account's application and environment. */
export interface ApplicationKeeper {
  /** Whether KPay's figures belong to this account: KPay has confirmed the application, and it matches the ledger's. */
  isOurs(): boolean;
  /** Whether KPay has said that the keys belong to another application or environment. */
  isOther(): boolean;
  /**
   * @throws Error when the keys belong to another application or environment; RejectedError, RetryableError as any
   *   read of KPay.
   */
  changeKeys(keys: Keys): Promise<void>;
  /** Starts to ask KPay. @returns a function that stops it. */
  start(): () => Promise<void>;
}

export interface KeepApplicationOptions {
  account: KpayAccount;
  /** Knows the account's application once a worker has pinned it. */
  ledger: Ledger | undefined;
  logger: Logger;
  /** Called when the account is confirmed, and when it turns out to belong to another application. */
  onChange(isOurs: boolean): void;
}

type Application = { id: string; environment: KpayAccount['environment'] };

/**
 * Asks KPay which application the keys belong to until KPay has answered. Before that nothing is shown, because the
 * figures could belong to another account. Keys of another application or environment raise an alarm and are checked
 * again; the other accounts are still shown. The ledger is only read. If it cannot be read, or has no pin for the
 * account yet, nothing is compared. It is read again later, because a worker may pin the account meanwhile.
 */
export function keepApplication({ account, ledger, logger, onChange }: KeepApplicationOptions): ApplicationKeeper {
  const stopping = new AbortController();
  const { signal } = stopping;
  let known: Application | undefined;
  let state: 'unknown' | 'ours' | 'other' = 'unknown';
  const isOther = () => state === 'other';
  let logged: string | undefined;

  async function ask(of: KpayAccount): Promise<Application> {
    const { application, environment } = await of.client.me({ lane: 'metrics', signal });
    return { id: application.id, environment };
  }

  /** @throws PinMismatch */
  async function compare({ id, environment }: Application): Promise<void> {
    if (environment !== account.environment) {
      throw new PinMismatch(`the keys are for ${environment}, and account ${account.name} is ${account.environment}`);
    }
    const pin = { account: account.name, baseUrl: account.baseUrl, environment, applicationId: id };
    await (ledger && comparePin(ledger, pin))?.catch((error: unknown) => {
      if (error instanceof PinMismatch) throw error;
    });
  }

  function settle(next: typeof state): void {
    const changed = (next === 'ours') !== (state === 'ours');
    state = next;
    if (changed) onChange(next === 'ours');
  }

  async function look(): Promise<void> {
    try {
      known ??= await ask(account);
      await compare(known);
      if (logged !== undefined)
        logger.info({ account: account.name }, "KPay has confirmed the account's keys: its figures are shown");
      logged = undefined;
      settle('ours');
    } catch (error) {
      const reason = reasonOf(error);
      if (error instanceof PinMismatch) {
        settle('other');
        // The person may also fix this at KPay.
        known = undefined;
      } else if (state !== 'ours') settle('unknown');
      if (signal.aborted || reason === logged) return;
      logged = reason;
      log(error, reason);
    }
  }

  function log(error: unknown, reason: string): void {
    const about = { account: account.name, reason };
    if (error instanceof PinMismatch || error instanceof RejectedError) {
      logger.error({ ...about, alarm: 'keys' }, 'the keys are not those of the account: none of its figures are shown');
    } else
      logger.warn(
        about,
        "KPay has not confirmed the account's keys yet: it is asked again, and none of the account's figures are shown",
      );
  }

  async function keepChecking(): Promise<void> {
    while (!signal.aborted) {
      await look();
      await account.clock.sleep(isOther() ? OTHER_AGAIN_MS : ASK_AGAIN_MS, signal).catch(() => {});
    }
  }

  return {
    isOurs: () => state === 'ours',
    isOther,
    changeKeys: (keys) =>
      account.changeKeys(keys, async (candidate) => {
        const found = await ask(candidate);
        await compare(found);
        if (state === 'ours' && known !== undefined && found.id !== known.id) {
          throw new PinMismatch(`the keys are of application ${found.id}, and account ${account.name} is ${known.id}`);
        }
        known = found;
        settle('ours');
      }),
    start() {
      const checking = keepChecking();
      return async () => {
        stopping.abort();
        await checking;
      };
    },
  };
}
