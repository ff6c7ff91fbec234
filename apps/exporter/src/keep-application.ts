import { type Keys, type KpayAccount, RejectedError } from '@kpay/core';
import { type Logger, reasonOf } from '@kpay/runtime';
import { type Ledger, PinMismatch } from '@kpay/transfers';
import { comparePin } from '@kpay/transfers/worker';

const ASK_AGAIN_MS = 10_000;
/** A person has to change something first, and the requests are taken from those who send. */
const OTHER_AGAIN_MS = 30_000;

/** Knows whether the keys of an account are of the application and the environment that the account is. */
export interface ApplicationKeeper {
  /** Whether KPay's figures are this account's: KPay has said who we are, and it is no other than the ledger knows. */
  isOurs(): boolean;
  /** Whether KPay has said that the keys are of another application or environment. */
  isOther(): boolean;
  /** @throws Error when the keys are of another application or environment; RejectedError, RetryableError as any read of KPay. */
  changeKeys(keys: Keys): Promise<void>;
  /** Begins to ask. @returns how to stop. */
  start(): () => Promise<void>;
}

export interface KeepApplicationOptions {
  account: KpayAccount;
  /** Knows which application the account is, once a worker has pinned it. */
  ledger: Ledger | undefined;
  logger: Logger;
  /** Told when the account is known to be ours, and when it turns out to be another's. */
  onChange(isOurs: boolean): void;
}

type Application = { id: string; environment: KpayAccount['environment'] };

/**
 * Asks KPay who we are until it has said so. While it has not, nothing is known of the account, and what its keys read may be
 * another's figures. Keys of another application or environment raise an alarm and are asked about again: the other accounts are
 * shown on. The ledger is read only, and one that cannot be read, or does not know the account yet, objects to nothing; it is
 * asked again, because a worker may pin the account later.
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
      if (logged !== undefined) logger.info({ account: account.name }, 'KPay has said whose the keys are: its figures are shown');
      logged = undefined;
      settle('ours');
    } catch (error) {
      const reason = reasonOf(error);
      if (error instanceof PinMismatch) {
        settle('other');
        // They may be fixed at KPay as well.
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
      logger.error({ ...about, alarm: 'keys' }, 'the keys cannot be those of the account: none of its figures are shown');
    } else logger.warn(about, 'KPay has not said whose the keys are: it is asked again, and none of its figures are shown yet');
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
