import { type Answer, errorAnswer } from '../model/answer.ts';
import type { ChosenFault, Fault } from '../model/faults.ts';
import type { BalanceRows } from '../model/kpay.ts';

/** How a request ends on the wire. */
export type Ending =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'truncate'; answer: Answer }
  | { kind: 'drop'; reset: boolean }
  | { kind: 'hang' };

/** One request, as a fault can play with it. */
export interface Call {
  /** Decides and applies. */
  serve(balanceRows?: BalanceRows): Answer;
  wait(ms: number): Promise<void>;
  /** The transfer's externalId, taken for the time the call runs; false when it is held already. */
  holdId(): boolean;
  releaseId(): void;
  burnId(): void;
}

/** Serves the call as the fault says. Without a fault it is served and answered. */
export async function carryOut(chosen: ChosenFault | undefined, call: Call): Promise<Ending> {
  if (!chosen) return answered(call.serve());
  const { fault, random } = chosen;
  switch (fault.kind) {
    case 'delay': {
      const delayMs = fault.delayMs + random() * fault.jitterMs;
      if (fault.when === 'before') await call.wait(delayMs);
      const answer = call.serve();
      if (fault.when === 'after') await call.wait(delayMs);
      return answered(answer);
    }
    case 'drop':
      if (fault.when === 'after') call.serve();
      await call.wait(fault.delayMs ?? 0);
      return { kind: 'drop', reset: fault.reset };
    case 'truncate': {
      const answer = call.serve();
      await call.wait(fault.delayMs ?? 0);
      return { kind: 'truncate', answer };
    }
    case 'status': {
      if (fault.when === 'after') call.serve();
      await call.wait(fault.delayMs ?? 0);
      const error = errorAnswer(fault.status, 'Injected fault', retryAfter(fault.retryAfterSeconds));
      return answered(fault.as === 'json' ? error : { ...error, body: 'upstream error\n', contentType: 'text/plain' });
    }
    case 'html':
      if (fault.when === 'after') call.serve();
      await call.wait(fault.delayMs ?? 0);
      return answered({ status: fault.status, body: htmlPage(fault.status), contentType: 'text/html' });
    case 'answer':
      if (fault.when === 'after') call.serve();
      await call.wait(fault.delayMs ?? 0);
      return answered({ status: fault.status, body: fault.body, contentType: fault.contentType });
    case 'unauthorized':
      await call.wait(fault.delayMs ?? 0);
      return answered(errorAnswer(401, 'Unauthorized'));
    case 'rate_limit':
      await call.wait(fault.delayMs ?? 0);
      return answered(errorAnswer(429, 'Too many requests', retryAfter(fault.retryAfterSeconds)));
    case 'hang':
      if (fault.when === 'after') call.serve();
      return { kind: 'hang' };
    case 'message_array':
      return answered(withMessageArray(call.serve()));
    case 'unknown_enum':
      return answered(withUnknownEnums(call.serve(), fault.value));
    case 'balance_rows':
      return answered(call.serve('per_country'));
    case 'conflict_while_running': {
      if (!call.holdId()) return answered(call.serve());
      const running = runHolding(fault, call);
      if (fault.gatewayTimeoutMs === undefined) return answered(await running);
      const gateway = call.wait(fault.gatewayTimeoutMs).then(() => errorAnswer(504, 'Gateway timeout'));
      return answered(await Promise.race([running, gateway]));
    }
    case 'burn_id':
      if (!call.holdId()) return answered(call.serve());
      call.burnId();
      return answered(errorAnswer(422, fault.message));
  }
}

/** The id is held already: runs its time and ends. Ending and serving are one step, so nobody can take the id between. */
async function runHolding(fault: Extract<Fault, { kind: 'conflict_while_running' }>, call: Call): Promise<Answer> {
  await call.wait(fault.delayMs);
  call.releaseId();
  if (fault.outcome === 'succeed') return call.serve();
  if (fault.outcome === 'fail_and_burn') call.burnId();
  return errorAnswer(fault.status, 'Injected fault');
}

function answered(answer: Answer): Ending {
  return { kind: 'answer', answer };
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

function htmlPage(status: number): string {
  return `<html>\r\n<head><title>${status}</title></head>\r\n<body><center><h1>${status}</h1></center></body>\r\n</html>\r\n`;
}

function withMessageArray(answer: Answer): Answer {
  if (answer.status < 400 || typeof answer.body !== 'object' || answer.body === null || !('message' in answer.body))
    return answer;
  const { message } = answer.body;
  return { ...answer, body: { ...answer.body, message: Array.isArray(message) ? message : [message, 'and another reason'] } };
}

const enumFields = new Set(['environment', 'status', 'operationType', 'type']);

function withUnknownEnums(answer: Answer, value: string): Answer {
  if (answer.status >= 400) return answer;
  const text = JSON.stringify(answer.body, (name, field: unknown) =>
    enumFields.has(name) && typeof field === 'string' ? value : field,
  );
  return { ...answer, body: JSON.parse(text) as unknown };
}
