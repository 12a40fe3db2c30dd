import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  McpServer,
  WebStandardStreamableHTTPServerTransport,
  createMcpHandler,
} from "@modelcontextprotocol/server";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/** Revisions of the protocol: with sessions, and without any state. */
export type McpRevision = "2025-11-25" | "2026-07-28";

/** A server of the protocol's SDK: the tool `greet`, the prompt `grüße`, and the tool `wait`, which reports progress and never ends. */
export interface McpTarget extends TestTarget {
  /** Resolves once `wait` has reported progress. */
  readonly inFlight: Promise<void>;
  /** Resolves once the response of `wait` has been aborted. */
  readonly aborted: Promise<void>;
}

/** Starts a server that accepts only requests with this `Authorization`. */
export async function startMcpServer(revision: McpRevision, authorization: string): Promise<McpTarget> {
  const [inFlight, aborted] = [deferred<void>(), deferred<void>()];
  const makeServer = () => createServer(() => inFlight.resolve());
  const handle = revision === "2026-07-28" ? handleModern(makeServer) : await handleSessions(makeServer());
  const target: TestTarget = await startTarget((request, response) => {
    if (request.headers.authorization !== authorization) return void response.writeHead(401).end();
    const body = target.requests.at(-1)?.body ?? Buffer.alloc(0);
    if (body.includes('"wait"')) response.on("close", () => aborted.resolve());
    // A response whose client is gone.
    void respond(handle, request, body, response).catch(() => response.destroy());
  });
  return { ...target, inFlight: inFlight.promise, aborted: aborted.promise };
}

function createServer(isWaiting: () => void): McpServer {
  const server = new McpServer({ name: "example", version: "1.0.0" });
  const content = { type: "text" as const, text: "hello" };
  server.registerTool("greet", {}, () => ({ content: [content] }));
  server.registerPrompt("grüße", {}, () => ({ messages: [{ role: "user", content }] }));
  server.registerTool("wait", {}, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress: 1 } });
    isWaiting();
    return new Promise(() => undefined);
  });
  return server;
}

type Handle = (request: Request) => Promise<Response>;

function handleModern(makeServer: () => McpServer): Handle {
  return createMcpHandler(makeServer, { legacy: "reject" }).fetch;
}

/** Handles one session. */
async function handleSessions(server: McpServer): Promise<Handle> {
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await server.connect(transport);
  return (request) => transport.handleRequest(request);
}

/** Passes a request of Node's server to a handler of the `fetch` kind. */
async function respond(
  handle: Handle,
  { method = "", url = "", rawHeaders }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const headers = new Headers();
  rawHeaders.forEach((name, i) => {
    if (i % 2 === 0) headers.append(name, rawHeaders[i + 1] ?? "");
  });
  const sent = body.length === 0 ? {} : { body: new Uint8Array(body) };
  const result = await handle(new Request(new URL(url, "http://mcp.example/"), { method, headers, ...sent }));
  response.writeHead(result.status, Object.fromEntries(result.headers)).flushHeaders();
  if (result.body === null) response.end();
  else await pipeline(Readable.from(result.body), response);
}
