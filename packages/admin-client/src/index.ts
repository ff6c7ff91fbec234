export {
  type AdminClient,
  type AdminClientOptions,
  type Answer,
  type AnswerOf,
  type CallOptions,
  createAdminClient,
  type OperationName,
  type RequestOf,
} from './client.ts';
export { AdminApiError, NoAnswerError, ProblemError, UnreadableAnswerError } from './errors.ts';
/* The interfaces that the document names, and what each operation takes and answers. */
export type * from './generated/schema.ts';
export { codeOf, type HttpAnswer, type HttpRequest, type Send, sendByFetch } from './send.ts';
