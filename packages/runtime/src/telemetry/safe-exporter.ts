import { createRedact } from '../logging/redact.ts';
import type { ReadableSpan, SpanExporter } from './create-exporter.ts';

/**
 * Attributes that libraries write into spans and that nobody needs to follow a transfer: queries, callers' addresses,
 * and a job's result, which contains amounts.
 */
const LEFT_OUT = new Set(['url.query', 'client.address', 'network.peer.address', 'user_agent.original', 'bullmq.job.result']);

/**
 * Passes spans on without secrets and phone numbers, whichever library wrote them, with the redaction of the logs.
 *
 * @param onLost called with spans that the exporter could not send.
 */
export function createSafeExporter(
  exporter: SpanExporter,
  onLost: (spans: number, error: Error | undefined) => void,
): SpanExporter {
  const redact = createRedact();

  const clean = (attributes: ReadableSpan['attributes']): ReadableSpan['attributes'] => {
    const kept = Object.entries(attributes).filter(([name]) => !LEFT_OUT.has(name));
    return redact(Object.fromEntries(kept.map(([name, value]) => [name, withoutQuery(value)]))) as ReadableSpan['attributes'];
  };
  const cleanSpan = (span: ReadableSpan): ReadableSpan =>
    Object.create(span, {
      name: { value: redact(span.name) },
      attributes: { value: clean(span.attributes) },
      events: { value: span.events.map((event) => ({ ...event, attributes: clean(event.attributes ?? {}) })) },
      status: { value: redact(span.status) },
    });
  return {
    export: (spans, done) =>
      exporter.export(spans.map(cleanSpan), (result) => {
        if (result.code !== 0) onLost(spans.length, result.error);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}

function withoutQuery(value: ReadableSpan['attributes'][string]): ReadableSpan['attributes'][string] {
  return typeof value === 'string' && /^https?:\/\//.test(value) ? value.replace(/\?.*$/s, '') : value;
}
