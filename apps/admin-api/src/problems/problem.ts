import { z } from 'zod';

const KINDS = {
  invalid_request: { status: 400, title: 'Invalid request' },
  idempotency_required: { status: 400, title: 'Idempotency key required' },
  malformed_json: { status: 400, title: 'Malformed JSON' },
  unauthenticated: { status: 401, title: 'Unauthenticated' },
  forbidden: { status: 403, title: 'Forbidden' },
  spend_limit_exceeded: { status: 403, title: 'Spend limit exceeded' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  precondition_failed: { status: 412, title: 'Precondition failed' },
  body_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  ledger_restored: { status: 409, title: 'Restored ledger: the restore is not finished' },
  too_late: { status: 409, title: 'Too late: already sent' },
  not_in_review: { status: 409, title: 'Not in review' },
  not_replayable: { status: 409, title: 'Not replayable' },
  batch_refused: { status: 422, title: 'Batch refused: a line is invalid' },
  idempotency_conflict: { status: 422, title: 'Idempotency conflict' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Internal error' },
  ledger_unavailable: { status: 503, title: 'Ledger unavailable' },
  epoch_unavailable: { status: 503, title: 'Restore status unavailable' },
  issuer_unavailable: { status: 503, title: 'Token issuer unavailable' },
  too_much_at_once: { status: 503, title: 'Too many requests at once' },
  kpay_unavailable: { status: 503, title: 'KPay unavailable' },
} as const;

export type ProblemCode = keyof typeof KINDS;

/** The reasons for which a caller is refused, in the log and the metrics. */
export const denials = [
  /**
   * 401: no token, an unknown token, an invalid token of the issuer, a key that has ended or is used from another
   * address.
   */
  'missing',
  'unknown',
  'token',
  'revoked',
  'expired',
  'address',
  /** 403: the scope is missing, the key would exceed its maker's bounds, or the transfer exceeds a limit. */
  'scope',
  'bound',
  'spend_limit',
  /** 403 or 404: in an account that the key does not reach. */
  'account',
] as const;
export type Denial = (typeof denials)[number];

const codes = Object.keys(KINDS) as ProblemCode[];

export function statusOf(code: ProblemCode): number {
  return KINDS[code].status;
}

/** A problem by RFC 9457, with what a program needs to continue. */
export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(codes),
    safeToRetry: z
      .boolean()
      .describe('Whether the same request, unchanged, may succeed later and does no harm when it is sent again.'),
    moneyMoved: z
      .enum(['yes', 'no', 'unknown'])
      .describe('Whether this request or its transfer moved money, or started a transfer that will.'),
    pointer: z.string().exactOptional().describe('The part of the body that is wrong, as a JSON pointer.'),
    parameter: z.string().exactOptional().describe('The query parameter or header that is wrong.'),
    traceId: z.string().exactOptional().describe('The trace of this request, while the API is traced.'),
    lines: z
      .array(z.strictObject({ line: z.int(), code: z.enum(codes), detail: z.string(), pointer: z.string().exactOptional() }))
      .exactOptional()
      .describe('The lines of a batch that are refused.'),
  })
  .meta({ id: 'Problem' });
export type ProblemBody = z.infer<typeof problemSchema>;

interface ProblemOptions {
  pointer?: string;
  parameter?: string;
  lines?: ProblemBody['lines'];
  moneyMoved?: 'yes' | 'no' | 'unknown';
  /** The reason for which a caller is refused. */
  denial?: Denial;
  /** The refused key, when the caller is not known yet. */
  keyId?: string;
  safeToRetry?: boolean;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error of a request. `message` is for the caller and contains no secret. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #options: ProblemOptions;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.status = KINDS[code].status;
    this.headers = options.headers ?? {};
    this.#options = options;
  }

  get denial(): Denial | undefined {
    return this.#options.denial;
  }

  get keyId(): string | undefined {
    return this.#options.keyId;
  }

  body(): ProblemBody {
    const {
      pointer,
      parameter,
      lines,
      moneyMoved = 'no',
      safeToRetry = this.status >= 500 || this.status === 429,
    } = this.#options;
    return {
      type: `urn:kpay-ops:problem:${this.code}`,
      title: KINDS[this.code].title,
      status: this.status,
      detail: this.message,
      code: this.code,
      safeToRetry,
      moneyMoved,
      ...(pointer !== undefined && { pointer }),
      ...(parameter !== undefined && { parameter }),
      ...(lines && { lines }),
    };
  }
}

/** 401: no valid credential. `detail` must not repeat the credential. */
export function unauthenticated(detail: string, challenge: string, denial: Denial = 'missing', keyId?: string): Problem {
  const headers = { 'www-authenticate': challenge };
  return new Problem('unauthenticated', detail, { headers, denial, ...(keyId !== undefined && { keyId }) });
}

/** 401 for an invalid bearer token. */
export function invalidToken(detail: string, denial: Denial, keyId?: string): Problem {
  return unauthenticated(detail, 'Bearer realm="kpay", error="invalid_token"', denial, keyId);
}
