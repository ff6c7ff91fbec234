import { STATUS_CODES } from 'node:http';

/** What KPay says to one request, before it is written to a socket. A string body is sent as it is, anything else as JSON. */
export interface Answer {
  status: number;
  body: unknown;
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
}

/** KPay says no. `messages` is an array where several things can be wrong with a body, as NestJS reports them. */
export class Refusal extends Error {
  readonly status: number;
  readonly messages: string | string[];

  constructor(status: number, messages: string | string[]) {
    super(String(messages));
    this.status = status;
    this.messages = messages;
  }
}

/** The documented error envelope `{statusCode, message, error}`. */
export function errorAnswer(status: number, message: string | string[], headers: Record<string, string> = {}): Answer {
  return { status, body: { statusCode: status, message, error: STATUS_CODES[status] ?? 'Error' }, headers };
}
