import { afterAll, beforeAll, expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import { readClientPage } from "../support/client-page.ts";

/* SDKs from npm, unmodified, as their pages in docs/clients say, against servers that accept only the target's own credential. */

let machine: ClientMachine;
beforeAll(async () => {
  machine = await startClientMachine();
});
afterAll(() => machine[Symbol.asyncDispose]());

const USER = { role: "user", content: "Say hello." };
const EVENTS = ["hel", "lo"].map(
  (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`,
);

/** A media type and its body; empty: a response without a body. */
type Responded = Readonly<Record<string, string>>;

interface Sdk {
  readonly page: string;
  readonly host: string;
  /** The target's own credential. */
  readonly own: readonly [name: string, value: string];
  readonly requests: readonly (readonly [method: string, url: string, body?: unknown])[];
  /** Responds to a request with this body. */
  readonly respond: (body: string) => Responded;
  readonly printed: string;
}

const SDKS: readonly Sdk[] = [
  {
    page: "openai",
    host: "api.openai.com",
    own: ["authorization", "Bearer SECRET"],
    requests: [["POST", "/v1/chat/completions", { model: "gpt-5", messages: [USER], stream: true }]],
    respond: () => ({ "text/event-stream": `${EVENTS.join("")}data: [DONE]\n\n` }),
    printed: "hello",
  },
  {
    page: "anthropic",
    host: "api.anthropic.com",
    own: ["x-api-key", "SECRET"],
    requests: [["POST", "/v1/messages", { model: "claude-opus-5", max_tokens: 16, messages: [USER] }]],
    respond: () => json({ content: [{ type: "text", text: "hello" }] }),
    printed: "hello",
  },
  {
    page: "gemini",
    host: "generativelanguage.example",
    own: ["x-goog-api-key", "SECRET"],
    requests: [["POST", "/v1beta/models/gemini-3:generateContent"]],
    respond: () => json({ candidates: [{ content: { parts: [{ text: "hello" }], role: "model" } }] }),
    printed: "hello",
  },
  {
    page: "mcp",
    host: "mcp.example",
    own: ["authorization", "Bearer SECRET"],
    requests: [],
    respond: respondToMcp,
    printed: "hello",
  },
];

function json(value: unknown): Responded {
  return { "application/json": JSON.stringify(value) };
}

/** A server with the one tool `greet`. */
function respondToMcp(body: string): Responded {
  if (body === "") return {};
  const { id, method, params } = JSON.parse(body);
  const serverInfo = { name: "example", version: "1.0.0" };
  const results: Readonly<Record<string, object>> = {
    initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo },
    "tools/list": { tools: [{ name: "greet", inputSchema: { type: "object" } }] },
    "tools/call": { content: [{ type: "text", text: "hello" }] },
  };
  const result = results[method];
  return id === undefined ? {} : json({ jsonrpc: "2.0", id, result });
}

/** Starts a server that accepts only the target's own credential. */
async function startServer({ own: [name, value], respond }: Sdk): Promise<TestTarget> {
  const target: TestTarget = await startTarget(({ method, headers }, response) => {
    const [found] = Object.entries(respond(target.requests.at(-1)?.body.toString() ?? ""));
    if (headers[name] !== value) return void response.writeHead(401).end();
    if (found === undefined) return void response.writeHead(method === "GET" ? 405 : 202).end();
    response.writeHead(200, { "Content-Type": found[0] }).end(found[1]);
  });
  return target;
}

test.each(SDKS)("the program of the page $page works, and no more after a revoke", async (sdk) => {
  await using target = await startServer(sdk);
  const page = await readClientPage(sdk.page, sdk.host);
  const { token, revoke: end } = await grant(machine, page.exportBody(target.url));
  const program = page.block("javascript", { token, authority: machine.authority });
  const { code, stdout, stderr } = await machine.runModule(program);
  expect([code, stdout], stderr).toEqual([0, sdk.printed]);
  for (const [index, [method, url, body]] of sdk.requests.entries()) {
    const request = target.requests[index];
    expect([request?.method, request?.url]).toEqual([method, url]);
    if (body !== undefined) expect(JSON.parse(request?.body.toString() ?? "")).toEqual(body);
  }
  expectOwnCredential(target.requests, token, sdk.own);

  const before = target.requests.length;
  await revoke(machine, end);
  const after = await machine.runModule(program);
  expect(after.code).not.toBe(0);
  expect(after.stderr).toMatch(/401|invalid capability token/i);
  expect(target.requests.length).toBe(before);
});

test("AzureOpenAI sends the token as api-key, and the target gets its own", async () => {
  const sdk = { ...SDKS[0]!, own: ["api-key", "SECRET"] as const, respond: () => json({ choices: [] }) };
  await using target = await startServer(sdk);
  const { token } = await grant(machine, {
    uri: target.url,
    headers: { "api-key": "SECRET" },
    allowPath: true,
    allowQuery: ["api-version"],
  });
  const { code, stderr } = await machine.runModule(`
    import { AzureOpenAI } from "openai";
    const options = { endpoint: "https://${machine.authority}", apiKey: "${token}", apiVersion: "2025-01-01" };
    await new AzureOpenAI(options).chat.completions.create({ model: "m", messages: [] });
  `);
  expect(code, stderr).toBe(0);
  expect(target.requests[0]?.url).toBe("/openai/deployments/m/chat/completions?api-version=2025-01-01");
  expectOwnCredential(target.requests, token, sdk.own);
});

test("a revoke ends a stream that the OpenAI SDK is reading, and the SDK reports it", async () => {
  const isReading = deferred<undefined>();
  await using target = await startStreamingTarget((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).write(EVENTS[0]);
    isReading.resolve(undefined);
  });
  const page = await readClientPage("openai", "api.openai.com");
  const { token, revoke: end } = await grant(machine, page.exportBody(target.url));
  const reading = machine.runModule(page.block("javascript", { token, authority: machine.authority }));
  await isReading.promise;
  await revoke(machine, end);
  expect((await reading).code).not.toBe(0);
});
