import type { Request } from 'express';

/** Who asks, once that is known. */
export interface Caller {
  /** Whose idempotency keys are theirs. */
  owner: string;
}

export interface Reply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** One thing the API does. What goes wrong is thrown, and problem-of.ts says how it is told. */
export interface Operation {
  method: 'get' | 'post' | 'delete';
  /** Below /v1, as Express writes it. */
  path: string;
  handle(request: Request, caller: Caller): Promise<Reply>;
}
