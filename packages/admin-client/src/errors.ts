import type { Problem } from './generated/schema.ts';

/** Base of every error of this client. */
export class AdminApiError extends Error {
  override readonly name: string = 'AdminApiError';
}

/** The API answered with a problem (RFC 9457). */
export class ProblemError extends AdminApiError {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  /** What `Retry-After` asks for, in milliseconds; undefined without the header. */
  readonly retryAfterMs: number | undefined;

  constructor(problem: Problem, retryAfterMs?: number) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer came. `sent` is `no` only when no connection was made, so that the API cannot have seen the request. */
export class NoAnswerError extends AdminApiError {
  override readonly name = 'NoAnswerError';
  readonly sent: 'no' | 'maybe';

  constructor(message: string, { sent, cause }: { sent: 'no' | 'maybe'; cause?: unknown }) {
    super(message, { cause });
    this.sent = sent;
  }
}

/** Something answered, but not the admin API: a proxy, or another server. `snippet` is the beginning of its text. */
export class UnreadableAnswerError extends AdminApiError {
  override readonly name = 'UnreadableAnswerError';
  readonly status: number;
  readonly snippet: string;

  constructor(status: number, snippet: string) {
    super(`The answer is not of the admin API (status ${status}).`);
    this.status = status;
    this.snippet = snippet;
  }
}
