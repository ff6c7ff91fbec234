import type { z } from 'zod';
import type { Caller } from '../auth/caller.ts';
import type { Scope } from '../auth/scopes.ts';
import type { ProblemCode } from '../problems/problem.ts';

/** A parsed request. */
export interface Call<Query, Body> {
  /** The id in the path, unparsed; empty when the path has none. */
  id: string;
  query: Query;
  body: Body;
  /** The body when it is lines. */
  text: TextBody;
  idempotencyKey: string | undefined;
  /** The version that If-Match asks for. */
  version: number | undefined;
  caller: Caller;
  /** Whether the caller's key is still good; for answers that take long. */
  isStillAllowed(): Promise<boolean>;
  /** The header Last-Event-ID. */
  lastEventId: string | undefined;
  /** Aborted when the caller has gone, or this process is about to. */
  signal: AbortSignal;
}

export interface Reply<Answer = unknown> {
  body: Answer;
  /** When it is another than that of `answer`. */
  status?: 200;
  /** `location` is a path of this API, such as `/v1/pauses/1`; it is sent as a relative reference. */
  headers?: Record<string, string>;
}

/** An answer that is written as it comes. Nothing is read ahead of a caller that reads slowly. */
export interface Stream {
  chunks: AsyncIterable<string>;
  headers?: Record<string, string>;
}

/** A body that is not JSON. */
export interface TextBody {
  type: string;
  text: string;
}

/**
 * One thing the API does. Everything it takes and answers is described here once: requests are parsed by these schemas,
 * and /openapi.json is written from them. What goes wrong is thrown, and problem-of.ts says how it is told.
 */
export interface Operation<Query = unknown, Body = unknown> {
  /** A name for programs, such as `listTransfers`. */
  name: string;
  method: 'get' | 'post' | 'delete';
  /** Below /v1, such as `/transfers/{id}`. */
  path: string;
  /** What a key must be allowed to do. */
  scope: Scope;
  /** What it does, in a sentence. */
  summary: string;
  /** An object of the query's parameters, read from text. */
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** The media types of a body that is not JSON but lines, and what a line is. */
  lines?: { types: readonly string[]; line: z.ZodType };
  /** It takes the header Idempotency-Key. */
  idempotent?: true;
  /** Asking for it twice does it twice, and that can do harm: one who got no answer must look first. */
  unrepeatable?: true;
  /** It takes the header If-Match, and acts only on that version. */
  conditional?: true;
  /** It takes the header Last-Event-ID. */
  resumable?: true;
  /** It takes a stream token in the address, in the place of the header Authorization. */
  streamToken?: true;
  /** `type` is that of a Stream, whose schema is a text. */
  answer: { status: 200 | 201 | 202; schema: z.ZodType; type?: string; location?: true; versioned?: true };
  /** A body that is accepted as it stands, where the account has the name that is given: what people try first. */
  example?: (account: string) => unknown;
  /** What can go wrong besides what can with every operation. */
  problems?: readonly ProblemCode[];
  handle(call: Call<Query, Body>): Promise<Reply | Stream>;
}

/** Lets the types of `handle` follow from the schemas. */
export function describeOperation<Query = undefined, Body = undefined>(operation: Operation<Query, Body>): Operation {
  // The one place where a call is made, router.ts, parses by the same schemas that gave these types.
  return operation as Operation;
}
