import { STATUS_CODES } from 'node:http';

/** What KPay says to one request, before it is written to a socket. A string body is sent as it is, anything else as JSON. */
export interface Answer {
  status: number;
  body: unknown;
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
}

/**
 * KPay, or the control face, says no. Nothing has changed. `messages` is an array where several things can be wrong with a body, as
 * NestJS reports them; those of the control face begin with the field, such as `fault.kind: …`.
 */
export class Refusal extends Error {
  /** The name that a log shows. */
  override readonly name = 'Refusal';
  /** The HTTP status of the answer: 400, 401, 403, 404, 409, 422 or 429. */
  readonly status: number;
  /** What is wrong: one sentence, or one for each thing. */
  readonly messages: string | string[];

  constructor(status: number, messages: string | string[]) {
    super(Array.isArray(messages) ? messages.join('; ') : messages);
    this.status = status;
    this.messages = messages;
  }
}

/** The documented error envelope `{statusCode, message, error}`. */
export function errorAnswer(status: number, message: string | string[], headers: Record<string, string> = {}): Answer {
  return { status, body: { statusCode: status, message, error: STATUS_CODES[status] ?? 'Error' }, headers };
}
