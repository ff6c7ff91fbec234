import type { TransferRow } from '@kpay/ledger';
import { type Context, context, ROOT_CONTEXT, type Span, type SpanContext, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Answer } from '../states/answer.ts';

// These calls go to OpenTelemetry's API, which does nothing unless the process loaded an SDK.

const TRACEPARENT = /^00-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})$/;

/** Adds the transfer's attributes to the active span. */
export function nameTransfer(row: TransferRow): void {
  trace.getActiveSpan()?.setAttributes(namesOf(row));
}

/**
 * Adds KPay's answer to the active span. KPay's text is left out, because it may hold more than a trace should show.
 */
export function nameAnswer(answer: Answer): void {
  const isOurs = answer.kind === 'unknown' || answer.kind === 'not_sent';
  trace.getActiveSpan()?.setAttributes({
    'kpay.answer': answer.kind,
    ...(isOurs && { 'kpay.answer.detail': answer.detail }),
  });
}

/**
 * The job options that put an advance job into its transfer's trace, whoever makes the job. Within that trace BullMQ
 * does it by itself.
 */
export function carryTrace({ accepted_trace: traceparent }: Pick<TransferRow, 'accepted_trace'>): {
  telemetry?: { metadata: string };
} {
  if (traceparent === null || isWithin(parse(traceparent))) return {};
  return { telemetry: { metadata: JSON.stringify({ traceparent }) } };
}

/**
 * Runs one step of a transfer in a span. The span belongs to the trace of the request that accepted the transfer,
 * however much later and in whichever process it runs. It links to the step before (docs/decisions).
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

/** Codes only, because a reason's text contains amounts. */
function describeStep(span: Span, { state, reason_code: code, attempts }: TransferRow): void {
  span.setAttributes({
    'kpay.transfer.state': state,
    'kpay.transfer.attempts': attempts,
    ...(code === null ? {} : { 'kpay.transfer.reason_code': code }),
  });
  // Marked as an error, because nobody knows whether money moved. People who read traces look for that.
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
