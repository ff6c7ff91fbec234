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
  /** The body, when it consists of lines. */
  text: TextBody;
  idempotencyKey: string | undefined;
  /** The version in If-Match. */
  version: number | undefined;
  caller: Caller;
  /** Whether the caller's key is still valid; for answers that take long. */
  isStillAllowed(): Promise<boolean>;
  /** The header Last-Event-ID. */
  lastEventId: string | undefined;
  /** Aborted when the caller has disconnected, or this process is about to end. */
  signal: AbortSignal;
}

export interface Reply<Answer = unknown> {
  /** Absent: all but a Stream is one. */
  kind?: undefined;
  body: Answer;
  /** The status, when it differs from that of `answer`. */
  status?: 200;
  /** `location` is a path of this API, such as `/v1/pauses/1`. It is sent as a relative reference. */
  headers?: Record<string, string>;
}

/** An answer that is written while it is produced. Nothing is read ahead of a slow caller. */
export interface Stream {
  kind: 'stream';
  chunks: AsyncIterable<string>;
  headers?: Record<string, string>;
}

/** A body that is not JSON. */
export interface TextBody {
  type: string;
  text: string;
}

/**
 * One operation of the API. Its parameters and answers are described once, here. Requests are parsed with these
 * schemas, and /openapi.json is generated from them. Errors are thrown, and problem-of.ts converts them to answers.
 */
export interface Operation<Query = unknown, Body = unknown> {
  /** A name for programs, such as `listTransfers`. */
  name: string;
  method: 'get' | 'post' | 'delete';
  /** The path below /v1, such as `/transfers/{id}`. */
  path: string;
  /** The scope that a caller needs. */
  scope: Scope;
  /** What it does, in a sentence. */
  summary: string;
  /** An object schema for the query parameters, which arrive as text. */
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** The media types of a body that consists of lines instead of JSON, and the schema of a line. */
  lines?: { types: readonly string[]; line: z.ZodType };
  /** It accepts the header Idempotency-Key. */
  idempotent?: true;
  /** Sending it twice has two effects, which can do harm. A client without an answer must check first. */
  unrepeatable?: true;
  /** It accepts the header If-Match, and acts only on that version. */
  conditional?: true;
  /** It accepts the header Last-Event-ID. */
  resumable?: true;
  /** It accepts a stream token in the address instead of the header Authorization. */
  streamToken?: true;
  /** `type` is the media type of a Stream, whose schema is text. */
  answer: { status: 200 | 201 | 202; schema: z.ZodType; type?: string; location?: true; versioned?: true };
  /** A body that would be accepted if the account has the given name: the example that people try first. */
  example?: (account: string) => unknown;
  /** Its problems, besides those of every operation. */
  problems?: readonly ProblemCode[];
  handle(call: Call<Query, Body>): Promise<Reply | Stream>;
}

/** Derives the types of `handle` from the schemas. */
export function describeOperation<Query = undefined, Body = undefined>(operation: Operation<Query, Body>): Operation {
  // Only router.ts makes calls, and it parses them with the same schemas that these types come from.
  return operation as Operation;
}
