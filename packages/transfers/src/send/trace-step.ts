import type { TransferRow } from '@kpay/ledger';
import { type Context, context, ROOT_CONTEXT, type Span, type SpanContext, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Answer } from '../states/answer.ts';

// All of this goes to OpenTelemetry's API, which does nothing while the process loaded no SDK.

const TRACEPARENT = /^00-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})$/;

/** Says on the span that runs now which transfer it is about. */
export function nameTransfer(row: TransferRow): void {
  trace.getActiveSpan()?.setAttributes(namesOf(row));
}

/** Says on the step that runs now what KPay said. A text of KPay's stays out, it may say more than a trace shall. */
export function nameAnswer(answer: Answer): void {
  const isOurs = answer.kind === 'unknown' || answer.kind === 'not_sent';
  trace.getActiveSpan()?.setAttributes({
    'kpay.answer': answer.kind,
    ...(isOurs && { 'kpay.answer.detail': answer.detail }),
  });
}

/**
 * What a hint needs so that working on it belongs to the transfer's trace, whoever makes the hint. Inside that trace
 * BullMQ does it by itself.
 */
export function carryTrace({ accepted_trace: traceparent }: Pick<TransferRow, 'accepted_trace'>): {
  telemetry?: { metadata: string };
} {
  if (traceparent === null || isWithin(parse(traceparent))) return {};
  return { telemetry: { metadata: JSON.stringify({ traceparent }) } };
}

/**
 * Runs one step of a transfer as a span. It belongs to the trace of what accepted the transfer, however much later and
 * in whichever process it happens, and links to the step that left the transfer as it is (docs/decisions).
 */
export async function traceStep(
  row: TransferRow,
  step: () => Promise<TransferRow | undefined>,
): Promise<TransferRow | undefined> {
  const before = parse(row.moved_trace);
  const from = { 'kpay.transfer.from_state': row.state };
  const options = { attributes: { ...namesOf(row), ...from }, ...(before && { links: [{ context: before }] }) };
  return trace.getTracer('@kpay/transfers').startActiveSpan('advance transfer', options, parentOf(row), async (span) => {
    try {
      const left = await step();
      if (left) describeStep(span, left);
      return left;
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

function namesOf({ id, account }: TransferRow) {
  return { 'kpay.transfer.id': id, 'kpay.account': account };
}

/** Codes only: a reason's text names amounts. */
function describeStep(span: Span, { state, reason_code: code, attempts }: TransferRow): void {
  span.setAttributes({
    'kpay.transfer.state': state,
    'kpay.transfer.attempts': attempts,
    ...(code === null ? {} : { 'kpay.transfer.reason_code': code }),
  });
  // Nobody knows what became of the money: that is what somebody who reads traces looks for.
  if (state === 'unconfirmed' || state === 'review') span.setStatus({ code: SpanStatusCode.ERROR, message: code ?? state });
}

function parentOf({ accepted_trace }: TransferRow): Context {
  const accepted = parse(accepted_trace);
  if (!accepted || isWithin(accepted)) return context.active();
  return trace.setSpanContext(ROOT_CONTEXT, accepted);
}

function isWithin(accepted: SpanContext | undefined): boolean {
  return accepted !== undefined && trace.getSpanContext(context.active())?.traceId === accepted.traceId;
}

function parse(traceparent: string | null): SpanContext | undefined {
  const { traceId, spanId, flags } = TRACEPARENT.exec(traceparent ?? '')?.groups ?? {};
  if (!traceId || !spanId || !flags) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
