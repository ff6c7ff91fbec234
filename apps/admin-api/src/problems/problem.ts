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

/** Why somebody is not let in, or not let do something: the reasons that the log and the metrics have. */
export const denials = [
  /** 401: no token, a token that nobody knows, one of the issuer that is not good, a key that has ended or is used from elsewhere. */
  'missing',
  'unknown',
  'token',
  'revoked',
  'expired',
  'address',
  /** 403: without the scope, more than its maker may give, more than it may make. */
  'scope',
  'bound',
  'spend_limit',
  /** 403 or what does not exist: in an account that the key does not reach. */
  'account',
] as const;
export type Denial = (typeof denials)[number];

const codes = Object.keys(KINDS) as ProblemCode[];

export function statusOf(code: ProblemCode): number {
  return KINDS[code].status;
}

/** RFC 9457, with what a program needs to go on. */
export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(codes),
    safeToRetry: z.boolean().describe('The same request, unchanged, may succeed later, and sending it again does no harm.'),
    moneyMoved: z
      .enum(['yes', 'no', 'unknown'])
      .describe('Whether this request, or the transfer it is about, moved money or set a transfer going that will.'),
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
  /** It refuses somebody, for this reason. */
  denial?: Denial;
  /** The key that is refused, where the caller is not known yet. */
  keyId?: string;
  safeToRetry?: boolean;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** A request that cannot be answered as hoped. `message` is for the caller to read: nothing secret is in it. */
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

/** 401: no good credential. `detail` may not repeat it. */
export function unauthenticated(detail: string, challenge: string, denial: Denial = 'missing', keyId?: string): Problem {
  const headers = { 'www-authenticate': challenge };
  return new Problem('unauthenticated', detail, { headers, denial, ...(keyId !== undefined && { keyId }) });
}

/** 401 for a bearer token that is not good. */
export function invalidToken(detail: string, denial: Denial, keyId?: string): Problem {
  return unauthenticated(detail, 'Bearer realm="kpay", error="invalid_token"', denial, keyId);
}
