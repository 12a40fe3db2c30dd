import { once } from "node:events";
import type { IncomingHttpHeaders, RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Traces } from "../../service/src/commands/traces/start-traces.ts";
import { startTraces } from "../../service/src/commands/traces/start-traces.ts";
import type { ExportTimes } from "../../service/src/commands/traces/span-exporter.ts";
import type { ServiceLimits } from "../../service/src/service-limits.ts";
import { DEFAULT_LIMITS } from "../../service/src/service-limits.ts";

/** A span that a collector has received. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly flags: number;
  readonly name: string;
  /** Of opentelemetry/proto/trace/v1/trace.proto: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly isError: boolean;
  /** Attributes of the resource that it is of. */
  readonly resource: Readonly<Record<string, string | number>>;
}

/** A receiver of traces: OTLP over HTTP, in JSON. It refuses what is not of the protocol. */
export interface TestCollector extends AsyncDisposable {
  /** For `--otlp-endpoint`. */
  readonly url: string;
  readonly port: number;
  /**
   * All spans so far.
   *
   * @throws Error if a request was not of the protocol.
   */
  spans(): readonly ReceivedSpan[];
  /** Heads and bodies of all requests, as text. */
  received(): string;
  /** Headers of each request. */
  readonly heads: readonly IncomingHttpHeaders[];
  /** Responds instead, after the request was received. */
  respondWith(respond: RequestListener | undefined): void;
}

export interface TestCollectorOptions {
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function startCollector({ port = 0, tls }: TestCollectorOptions = {}): Promise<TestCollector> {
  const spans: ReceivedSpan[] = [];
  const texts: string[] = [];
  const heads: IncomingHttpHeaders[] = [];
  const problems: string[] = [];
  let respond: RequestListener | undefined;
  const handle: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      texts.push(`${request.rawHeaders.join("\n")}\n${text}`);
      heads.push(request.headers);
      if (respond !== undefined) return respond(request, response);
      try {
        if (request.url !== "/v1/traces" || request.method !== "POST") throw new Error("no such route");
        if (request.headers["content-type"] !== "application/json") throw new Error("not JSON");
        spans.push(...readExport(JSON.parse(text)));
        response.setHeader("Content-Type", "application/json");
        response.end('{"partialSuccess":{}}');
      } catch (error) {
        problems.push(String(error));
        response.statusCode = 400;
        response.end();
      }
    });
  };
  const server: Server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`,
    port: address.port,
    heads,
    spans() {
      if (problems.length > 0) throw new Error(problems.join("; "));
      return spans;
    },
    received: () => texts.join("\n"),
    respondWith(other) {
      respond = other;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Soon enough for a test, in milliseconds. */
export const FAST: ExportTimes = { delayMs: 20, minBackOffMs: 20, maxBackOffMs: 100, closeMs: 2_000 };

export interface TestTracesOptions {
  readonly share?: number;
  readonly limits?: Partial<ServiceLimits>;
  readonly times?: Partial<ExportTimes>;
  readonly headersFile?: string;
  readonly caFile?: string;
  readonly log?: Parameters<typeof startTraces>[2]["log"];
}

/** Records what a service in this process does, and sends it to a collector. */
export function tracesTo(
  collector: { readonly url: string },
  options: TestTracesOptions = {},
): Promise<Traces> {
  const { share = 1, limits, times, log = SILENT, ...files } = options;
  const endpoint = new URL(`${collector.url}/v1/traces`);
  return startTraces(
    { endpoint, share, ...files },
    { limits: { ...DEFAULT_LIMITS, ...limits } },
    { log, version: "1.2.3", times: { ...FAST, ...times } },
  );
}

const SILENT = { spansNotExported: () => undefined, spansExportedAgain: () => undefined };

type Json = Readonly<Record<string, unknown>>;

/** Reads an `ExportTraceServiceRequest`. Every field is one of its message in opentelemetry/proto, version 1. */
function readExport(message: unknown): readonly ReceivedSpan[] {
  const { resourceSpans } = fields(message, ["resourceSpans"]);
  return list(resourceSpans).flatMap((each) => {
    const { resource, scopeSpans } = fields(each, ["resource", "scopeSpans", "schemaUrl"]);
    const of = readAttributes(fields(resource, ["attributes", "droppedAttributesCount"])["attributes"]);
    return list(scopeSpans).flatMap((inScope) => {
      const { scope, spans } = fields(inScope, ["scope", "spans", "schemaUrl"]);
      const { name } = fields(scope, ["name", "version", "attributes", "droppedAttributesCount"]);
      text(name, /^.+$/);
      return list(spans).map((span) => readSpan(span, of));
    });
  });
}

const SPAN_FIELDS = [
  "traceId",
  "spanId",
  "traceState",
  "parentSpanId",
  "flags",
  "name",
  "kind",
  "startTimeUnixNano",
  "endTimeUnixNano",
  "attributes",
  "droppedAttributesCount",
  "events",
  "droppedEventsCount",
  "links",
  "droppedLinksCount",
  "status",
];

function readSpan(message: unknown, resource: ReceivedSpan["resource"]): ReceivedSpan {
  const span = fields(message, SPAN_FIELDS);
  const { flags, kind } = span;
  if (typeof flags !== "number" || typeof kind !== "number") throw new Error("flags and kind are numbers");
  const status = span["status"] === undefined ? {} : fields(span["status"], ["message", "code"]);
  return {
    traceId: text(span["traceId"], /^[0-9a-f]{32}$/),
    spanId: text(span["spanId"], /^[0-9a-f]{16}$/),
    parentSpanId:
      span["parentSpanId"] === undefined ? undefined : text(span["parentSpanId"], /^[0-9a-f]{16}$/),
    flags,
    name: text(span["name"], /^.+$/),
    kind,
    start: BigInt(text(span["startTimeUnixNano"], /^\d{19}$/)),
    end: BigInt(text(span["endTimeUnixNano"], /^\d{19}$/)),
    attributes: readAttributes(span["attributes"]),
    isError: status["code"] === 2,
    resource,
  };
}

function readAttributes(attributes: unknown): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    list(attributes).map((attribute) => {
      const { key, value } = fields(attribute, ["key", "value"]);
      const any = fields(value, ["stringValue", "intValue"]);
      if (Object.keys(any).length !== 1) throw new Error("a value is of one type");
      const { stringValue, intValue } = any;
      return [
        text(key, /^.+$/),
        intValue === undefined ? text(stringValue, /^.*$/) : Number(text(intValue, /^\d+$/)),
      ];
    }),
  );
}

function fields(value: unknown, names: readonly string[]): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not a message");
  const unknown = Object.keys(value).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`unknown fields: ${unknown.join(", ")}`);
  return value as Json;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error("not a list");
  return value;
}

function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new Error(`not as expected: ${String(value)}`);
  return value;
}
