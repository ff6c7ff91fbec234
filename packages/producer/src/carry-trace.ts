/** OpenTelemetry's API as it stands where all its copies in a process find each other, in every 1.x. */
interface OpenTelemetryApi {
  context?: { active(): unknown };
  propagation?: {
    inject(context: unknown, carrier: object, setter: { set(carrier: object, key: string, value: string): void }): void;
  };
}

const API = Symbol.for('opentelemetry.js.api.1');

// Not the baggage: it can say anything of the caller's customers, and a queue is no place for that.
const CARRIED = ['traceparent', 'tracestate'];

/**
 * What a job needs to go on in the trace that its producer is in, as BullMQ's workers read it. Empty where no
 * OpenTelemetry runs; nothing of it is needed here.
 */
export function carryTrace(): { telemetry?: { metadata: string } } {
  const { context, propagation } = (Reflect.get(globalThis, API) ?? {}) as OpenTelemetryApi;
  if (!context || !propagation) return {};
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier, {
    set(_carrier, key, value) {
      if (CARRIED.includes(key)) carrier[key] = value;
    },
  });
  return carrier.traceparent === undefined ? {} : { telemetry: { metadata: JSON.stringify(carrier) } };
}
