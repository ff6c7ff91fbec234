/** The request is invalid; nothing was recorded. `field` names the part of the request that is wrong. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';
  readonly code: 'invalid' | 'idempotency_required' | 'unknown_account';
  readonly field: string;

  constructor(field: string, problem: string, code: InvalidRequest['code'] = 'invalid') {
    super(`${field}: ${problem}`);
    this.field = field;
    this.code = code;
  }
}

/** No account has this name, or the caller's key does not reach it. Both cases use the same words, so neither reveals which. */
export class UnknownAccount extends InvalidRequest {
  constructor(account: string) {
    super('account', `there is no account "${account}" here, or the key does not reach it`, 'unknown_account');
  }
}

/** The externalId or Idempotency-Key was used before for a different transfer; nothing was recorded. */
export class IdempotencyConflict extends Error {
  override readonly name = 'IdempotencyConflict';
  /** Undefined when the caller may not know it. */
  readonly transferId: string | undefined;

  constructor(transferId: string | undefined) {
    const used = 'this externalId or Idempotency-Key was already used for a different transfer';
    super(
      transferId === undefined
        ? `${used}, which this key may not read: use another id, or a key with the scope read`
        : `${used} (${transferId}): check that transfer before you make another`,
    );
    this.transferId = transferId;
  }
}

/** The transfer has a replay that is under way or has moved money; nothing was recorded. */
export class AlreadyReplayed extends Error {
  override readonly name = 'AlreadyReplayed';
  readonly transferId: string;

  constructor(transferId: string, state: string) {
    super(`it was already replayed as ${transferId}, which is ${state}: check that transfer`);
    this.transferId = transferId;
  }
}

/** The caller's key was revoked or has expired since the request arrived; nothing was recorded. */
export class KeyEnded extends Error {
  override readonly name = 'KeyEnded';
  readonly why: 'revoked' | 'expired';

  constructor(why: KeyEnded['why']) {
    super(why === 'revoked' ? 'The key was revoked.' : 'The key has expired.');
    this.why = why;
  }
}

/** The transfer exceeds a spend limit of the caller's key; nothing was recorded. */
export class SpendLimitExceeded extends Error {
  override readonly name = 'SpendLimitExceeded';
  /** Whether the same transfer will fit once earlier ones leave the limit's window. */
  readonly fitsLater: boolean;

  constructor(message: string, fitsLater: boolean) {
    super(message);
    this.fitsLater = fitsLater;
  }
}

/**
 * The ledger was restored from a backup and the restore is not finished (law 9), so its transfers may be out of date. Nothing
 * was changed.
 */
export class LedgerRestored extends Error {
  override readonly name = 'LedgerRestored';
}

/** The store of the epoch witness does not answer, so a restore cannot be ruled out. Nothing was changed. */
export class EpochUnknown extends Error {
  override readonly name = 'EpochUnknown';
}

/** The account belongs to another KPay application than the ledger's (law 7). Nothing may be sent. */
export class PinMismatch extends Error {
  override readonly name = 'PinMismatch';
}
