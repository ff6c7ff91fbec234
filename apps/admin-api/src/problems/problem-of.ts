import { EpochUnknown, IdempotencyConflict, InvalidRequest, KeyEnded, LedgerRestored, SpendLimitExceeded } from '@kpay/transfers';
import { couldNotAskLedger } from './ledger-away.ts';
import { invalidToken, Problem } from './problem.ts';
import { pastBound } from './unreadable-body.ts';

const RETRY_AFTER_S = '5';
// A text with a NUL character: JSON can carry it, Postgres stores none (22021 in text, 22P05 in jsonb).
const UNSTORABLE = ['22021', '22P05'];

/**
 * Converts any error that was thrown while answering to a problem. This is the only place that decides it.
 *
 * @param writes true when the request could have made a transfer. If it breaks off, its outcome is unknown.
 * @param repeatable true when sending it again does no harm: it is a read, or it carries its own id.
 */
export function problemOf(error: unknown, { writes, repeatable }: { writes: boolean; repeatable: boolean }): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidRequest) return ofInvalidRequest(error);
  if (error instanceof KeyEnded) return invalidToken(error.message, error.why);
  if (error instanceof IdempotencyConflict) return new Problem('idempotency_conflict', error.message);
  if (error instanceof SpendLimitExceeded) {
    return new Problem('spend_limit_exceeded', error.message, {
      pointer: '/amount',
      safeToRetry: error.fitsLater,
      denial: 'spend_limit',
    });
  }
  // Nothing was done, but what happened to the transfer before is unknown.
  if (error instanceof LedgerRestored) return new Problem('ledger_restored', sentence(error.message), { moneyMoved: 'unknown' });
  if (error instanceof EpochUnknown) {
    const headers = { 'retry-after': RETRY_AFTER_S };
    return new Problem('epoch_unavailable', sentence(error.message), { moneyMoved: 'unknown', headers, cause: error.cause });
  }
  const unsure = { ...(writes && { moneyMoved: 'unknown' as const }), safeToRetry: repeatable };
  if (couldNotAskLedger(error)) {
    const next = repeatable
      ? 'Repeat the same request: what it accepted already is not accepted twice.'
      : 'Check whether it was done before you repeat it.';
    const detail = `The ledger cannot be reached. ${next}`;
    return new Problem('ledger_unavailable', detail, { ...unsure, headers: { 'retry-after': RETRY_AFTER_S }, cause: error });
  }
  if (UNSTORABLE.includes(fieldOf(error, 'code'))) {
    return new Problem('invalid_request', 'A text has a NUL character, which cannot be stored.', { cause: error });
  }
  return (
    ofHttpError(error) ?? new Problem('internal_error', 'An internal error occurred. It is logged.', { ...unsure, cause: error })
  );
}

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}

function ofInvalidRequest({ code, field, message }: InvalidRequest): Problem {
  if (code === 'idempotency_required') {
    const detail = 'Give an Idempotency-Key header or an externalId: it keeps a repeated request from sending money twice.';
    return new Problem('idempotency_required', detail, { pointer: '/externalId' });
  }
  return new Problem('invalid_request', message, { pointer: pointerTo(field) });
}

/**
 * `field` is the name of a field, of a field inside another (a label can contain dots), or `body` for the whole body.
 */
function pointerTo(field: string): string {
  if (field === 'body') return '';
  const place = /^(spendLimits)\.(\d+)(?:\.(\w+))?$/
    .exec(field)
    ?.slice(1)
    .filter((part) => part !== undefined);
  if (place) return place.map((part) => `/${part}`).join('');
  const [, parent, label] = /^(metadata|scopes|accounts|mayMakeFor|addressRanges)\.(.*)$/s.exec(field) ?? [];
  const parts = parent !== undefined && label !== undefined ? [parent, label] : [field];
  return parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Errors of Express and its body parser carry a status. Their messages can quote the body, so they are not repeated.
 */
function ofHttpError(error: unknown): Problem | undefined {
  if (fieldOf(error, 'type') === 'entity.parse.failed') {
    return new Problem('malformed_json', 'The body is not valid JSON.', { pointer: '' });
  }
  if (fieldOf(error, 'type') === 'body.not.utf8') {
    const line = fieldOf(error, 'line');
    const where = line === '' ? '' : ` at line ${line}`;
    return new Problem('invalid_request', `body: is not UTF-8${where}: save or send it as UTF-8`, { pointer: '' });
  }
  const [, passed] = /^body\.(depth|entries)$/.exec(fieldOf(error, 'type')) ?? [];
  if (passed === 'depth' || passed === 'entries') {
    return new Problem('invalid_request', `body: ${pastBound(passed)}`, { pointer: '' });
  }
  if (fieldOf(error, 'type') === 'body.doubt') {
    return new Problem('invalid_request', `body: ${fieldOf(error, 'doubt')}`, { pointer: '' });
  }
  const status = Number(fieldOf(error, 'status'));
  if (status === 413) return new Problem('body_too_large', 'A body has at most 100 kB, that of a batch 5 MB.');
  if (status === 415)
    return new Problem('unsupported_media_type', 'Send the body in the media type of this operation, in UTF-8, not compressed.');
  if (status >= 400 && status < 500) return new Problem('invalid_request', 'The request cannot be read.');
  return undefined;
}

function fieldOf(error: unknown, name: 'code' | 'type' | 'status' | 'line' | 'doubt'): string {
  return error instanceof Error ? String(Reflect.get(error, name) ?? '') : '';
}
