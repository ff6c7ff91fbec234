/** What was asked for cannot be right. Nothing was recorded. `field` names the part of the request that is wrong. */
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

/** The same externalId or Idempotency-Key was used before for something else. Nothing was recorded. */
export class IdempotencyConflict extends Error {
  override readonly name = 'IdempotencyConflict';
  /** Undefined where the caller may not know it. */
  readonly transferId: string | undefined;

  constructor(transferId: string | undefined) {
    const used = 'this externalId or Idempotency-Key was already used for a different transfer';
    super(
      transferId === undefined
        ? `${used}, which is not yours to see: take another one, or a key with the scope read`
        : `${used} (${transferId}): look at that one before you order another`,
    );
    this.transferId = transferId;
  }
}

/** The transfer was made again before, and that replay is under way or has moved money. Nothing was recorded. */
export class AlreadyReplayed extends Error {
  override readonly name = 'AlreadyReplayed';
  readonly transferId: string;

  constructor(transferId: string, state: string) {
    super(`it was made again already, as ${transferId}, which is ${state}: look at that one`);
    this.transferId = transferId;
  }
}

/** The key that asks was revoked, or has expired, since its request came. Nothing was recorded. */
export class KeyEnded extends Error {
  override readonly name = 'KeyEnded';
  readonly why: 'revoked' | 'expired';

  constructor(why: KeyEnded['why']) {
    super(why === 'revoked' ? 'The key was revoked.' : 'The key has expired.');
    this.why = why;
  }
}

/** More than the key that asks may make. Nothing was recorded. */
export class SpendLimitExceeded extends Error {
  override readonly name = 'SpendLimitExceeded';
  /** Whether it fits once what was made before is old enough. */
  readonly fitsLater: boolean;

  constructor(message: string, fitsLater: boolean) {
    super(message);
    this.fitsLater = fitsLater;
  }
}

/**
 * The ledger was restored from a backup, and nobody has finished that (law 9): what it says of transfers may be long untrue.
 * Nothing was changed.
 */
export class LedgerRestored extends Error {
  override readonly name = 'LedgerRestored';
}

/** Whether the ledger was restored cannot be told now: where the copy of its epoch lies does not answer. Nothing was changed. */
export class EpochUnknown extends Error {
  override readonly name = 'EpochUnknown';
}

/** An account now talks to another KPay than the one the ledger knows it by. Nothing may be sent. */
export class PinMismatch extends Error {
  override readonly name = 'PinMismatch';
}
