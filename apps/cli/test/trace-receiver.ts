import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Server, ServerCredentials } from '@grpc/grpc-js';
// OpenTelemetry's own schema of the protocol. Later releases encode without it.
import root from '@opentelemetry/otlp-transformer/build/src/generated/root.js';

type Attributes = { key: string; value: Record<string, unknown> }[];

interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  startTimeUnixNano: string;
  attributes: Attributes;
  events: { name: string; attributes: Attributes }[];
  links: { traceId: string; spanId: string }[];
  status?: { code: number } | null;
}

interface Export {
  resourceSpans: { resource: { attributes: Attributes }; scopeSpans: { spans: SentSpan[] }[] }[];
}

interface Decoder {
  decode(bytes: Uint8Array): object;
  fromObject(json: object): object;
  toObject(
    message: object,
    options: { bytes: typeof String; longs: typeof String; enums: typeof Number; defaults: true },
  ): Export;
}

const { ExportTraceServiceRequest: decoder } = (
  root as unknown as { opentelemetry: { proto: { collector: { trace: { v1: { ExportTraceServiceRequest: Decoder } } } } } }
).opentelemetry.proto.collector.trace.v1;

/** A span as it was decoded; ids are base64. */
export interface ReceivedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Empty when the span begins its trace. */
  parentId: string;
  /** The ids of the spans it links to. */
  links: string[];
  attributes: Record<string, unknown>;
  failed: boolean;
  startedNs: bigint;
}

export interface TraceReceiver {
  url: string;
  spans: ReceivedSpan[];
  /** Everything received, decoded, as text; for tests of what must never be in it. */
  everything(): string;
  close(): Promise<void>;
}

/** A collector: takes OTLP by one protocol, and nothing else. */
export async function startTraceReceiver(
  protocol: 'http/protobuf' | 'http/json' | 'grpc' = 'http/protobuf',
): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = [];
  const received: string[] = [];
  const take = (sent: object) => {
    const message = decoder.toObject(sent, { bytes: String, longs: String, enums: Number, defaults: true });
    received.push(JSON.stringify(message));
    for (const { resource, scopeSpans } of message.resourceSpans) {
      const service = String(valuesOf(resource.attributes)['service.name']);
      spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => readSpan(service, span))));
    }
  };
  const { port, close } = await (protocol === 'grpc' ? serveGrpc(take) : serveHttp(protocol, take));
  return { url: `http://127.0.0.1:${port}`, spans, everything: () => received.join('\n'), close };
}

interface Serving {
  port: number;
  close(): Promise<void>;
}

async function serveHttp(protocol: 'http/protobuf' | 'http/json', take: (sent: object) => void): Promise<Serving> {
  const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    if (request.url !== '/v1/traces' || request.headers['content-type'] !== type) {
      response.writeHead(415).end();
      return;
    }
    take(type === 'application/json' ? decoder.fromObject(JSON.parse(String(body))) : decoder.decode(body));
    response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serveGrpc(take: (sent: object) => void): Promise<Serving> {
  const server = new Server();
  const method = {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  };
  server.addService(
    { export: method },
    {
      export({ request }: { request: Buffer }, answer: (error: null, bytes: Buffer) => void) {
        take(decoder.decode(request));
        answer(null, Buffer.alloc(0));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    async close() {
      server.forceShutdown();
    },
  };
}

function readSpan(service: string, span: SentSpan): ReceivedSpan {
  const { traceId, spanId, name, attributes, status } = span;
  return {
    service,
    name,
    traceId,
    spanId,
    parentId: span.parentSpanId,
    startedNs: BigInt(span.startTimeUnixNano),
    links: span.links.map((link) => link.spanId),
    attributes: valuesOf(attributes),
    // STATUS_CODE_ERROR
    failed: status?.code === 2,
  };
}

function valuesOf(attributes: Attributes): Record<string, unknown> {
  const plain = ({ stringValue, intValue, boolValue, doubleValue }: Record<string, unknown>) =>
    stringValue || (intValue === '0' ? undefined : intValue) || boolValue || doubleValue;
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

/** The spans of one trace as a tree, one a line, each below its parent; a parent that did not come is a `?`. */
export function drawTrace(spans: readonly ReceivedSpan[]): string {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = (parentId: string, depth: number): string[] =>
    spans
      .filter((span) => span.parentId === parentId)
      .flatMap((span) => [`${'  '.repeat(depth)}${span.service} ${span.name}`, ...below(span.spanId, depth + 1)]);
  const orphans = spans.filter(({ parentId }) => parentId !== '' && !known.has(parentId));
  return [...below('', 0), ...[...new Set(orphans.map(({ parentId }) => parentId))].flatMap((id) => ['?', ...below(id, 1)])].join(
    '\n',
  );
}
