import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import { readClientPage } from "../support/client-page.ts";
import { expectCut, startStallingTarget } from "../support/stalling-target.ts";

/* SDKs from npm, unmodified, as their pages in docs/clients say, against servers that accept only the target's own credential. */

let machine: ClientMachine;
beforeAll(async () => {
  machine = await startClientMachine();
});
afterAll(() => machine[Symbol.asyncDispose]());

const USER = { role: "user", content: "Say hello." };
const ACCOUNT = "/2010-04-01/Accounts/AC00000000000000000000000000000000";

/** The media type of a response, and its body. */
type Responded = readonly [type: string, body: string];

interface Sdk {
  readonly page: string;
  readonly host: string;
  /** The target's own credential. */
  readonly own: readonly [name: string, value: string];
  readonly requests: readonly (readonly [method: string, url: string, body?: unknown])[];
  readonly respond: (request: { readonly method: string; readonly url: string }) => Responded;
}

/** Each program prints `hello`. */
const SDKS: readonly Sdk[] = [
  {
    page: "openai",
    host: "api.openai.com",
    own: ["authorization", "Bearer SECRET"],
    requests: [["POST", "/v1/chat/completions", { model: "gpt-5", messages: [USER], stream: true }]],
    respond: () =>
      events({ choices: [{ delta: { content: "hel" } }] }, { choices: [{ delta: { content: "lo" } }] }),
  },
  {
    page: "anthropic",
    host: "api.anthropic.com",
    own: ["x-api-key", "SECRET"],
    requests: [
      ["POST", "/v1/messages", { model: "claude-opus-5", max_tokens: 16, messages: [USER], stream: true }],
    ],
    respond: () =>
      events(
        { type: "message_start", message: { content: [] } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hel" } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "lo" } },
        { type: "message_stop" },
      ),
  },
  {
    page: "gemini",
    host: "generativelanguage.example",
    own: ["x-goog-api-key", "SECRET"],
    requests: [["POST", "/v1beta/models/gemini-3:streamGenerateContent?alt=sse"]],
    respond: () =>
      events(
        { candidates: [{ content: { parts: [{ text: "hel" }], role: "model" } }] },
        { candidates: [{ content: { parts: [{ text: "lo" }], role: "model" } }] },
      ),
  },
  {
    page: "twilio",
    host: "api.twilio.example",
    own: ["authorization", `Basic ${btoa("AC00000000000000000000000000000000:SECRET")}`],
    requests: [
      ["POST", `${ACCOUNT}/Messages.json`],
      ["GET", `${ACCOUNT}/Messages.json?PageSize=1`],
      ["GET", `${ACCOUNT}/Messages.json?PageSize=1&Page=1&PageToken=PA1`],
    ],
    respond: ({ method, url }) => {
      if (method === "POST") return json({ body: "Say hello." });
      if (url.includes("PageToken")) return json({ messages: [{ body: "lo" }], next_page_uri: null });
      const next = `${ACCOUNT}/Messages.json?PageSize=1&Page=1&PageToken=PA1`;
      return json({ messages: [{ body: "hel" }], next_page_uri: next });
    },
  },
];

function json(value: unknown): Responded {
  return ["application/json", JSON.stringify(value)];
}

function events(
  ...values: readonly { readonly type?: string; readonly [name: string]: unknown }[]
): Responded {
  const written = values.map((value) => {
    const name = value.type === undefined ? "" : `event: ${value.type}\n`;
    return `${name}data: ${JSON.stringify(value)}\n\n`;
  });
  return ["text/event-stream", written.join("")];
}

/** Starts a server that accepts only the target's own credential. */
function startServer({ own: [name, value], respond }: Sdk): Promise<TestTarget> {
  return startTarget(({ method = "", url = "", headers }, response) => {
    if (headers[name] !== value) return void response.writeHead(401).end();
    const [type, body] = respond({ method, url });
    response.writeHead(200, { "Content-Type": type }).end(body);
  });
}

test.each(SDKS)("the program of the page $page works, and no more after a revoke", async (sdk) => {
  await using target = await startServer(sdk);
  const page = await readClientPage(sdk.page, sdk.host);
  const { token, revoke: end } = await grant(machine, page.exportBody(target.url));
  const program = page.block("javascript", { token, authority: machine.authority });
  const { code, stdout, stderr } = await machine.runModule(program);
  expect([code, stdout], stderr).toEqual([0, "hello"]);
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

test("the SDK of OpenAI with /v1 in its base URL is refused, and the error's Proxy-Status says by whom", async () => {
  const [openai] = SDKS;
  await using target = await startServer(openai!);
  const page = await readClientPage("openai", "api.openai.com");
  const { token } = await grant(machine, page.exportBody(target.url));
  const { stdout, stderr } = await machine.runModule(`
    import OpenAI from "openai";
    const client = new OpenAI({ baseURL: "https://${machine.authority}/v1", apiKey: "${token}" });
    const error = await client.models.list().catch((error) => error);
    console.log(error.message + ", " + error.headers.get("proxy-status"));
  `);
  expect(stdout, stderr).toBe('403 "Forbidden", membrane; error=http_request_denied\n');
  const { json } = await call(machine.service, token, { path: "/v1/models" });
  expect(json.code).toBe("path_not_allowed");
  expect(target.requests).toEqual([]);
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

test("the client of Twilio follows a list of another product that continues at Twilio's own URL", async () => {
  const sdk = SDKS.find(({ page }) => page === "twilio")!;
  const list = "/v1/Conversations?PageSize=1";
  const respond: Sdk["respond"] = ({ url }) => {
    const isLast = url.includes("PageToken");
    const next = isLast ? null : `https://conversations.twilio.com${list}&Page=1&PageToken=PA1`;
    const conversations = [{ friendly_name: isLast ? "lo" : "hel" }];
    return json({ conversations, meta: { key: "conversations", next_page_url: next } });
  };
  await using target = await startServer({ ...sdk, respond });
  const page = await readClientPage(sdk.page, sdk.host);
  const { token } = await grant(machine, page.exportBody(target.url));
  const { code, stdout, stderr } = await machine.runModule(page.block("js", { ...machine, token }));
  expect([code, stdout], stderr).toEqual([0, "hello"]);
  expect(target.requests.map(({ url }) => url)).toEqual([list, `${list}&Page=1&PageToken=PA1`]);
  expectOwnCredential(target.requests, token, sdk.own);
});

test.each(SDKS)(
  "a revoke ends a response that the SDK of $page is reading, and it reports it",
  async (sdk) => {
    await using server = await startServer(sdk);
    await using stalling = await startStallingTarget(server, { picks: () => true, body: "download" });
    const page = await readClientPage(sdk.page, sdk.host);
    const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
    const program = page.block("javascript", { token, authority: machine.authority });
    const { stdout } = await expectCut(machine, stalling, end, machine.runModule(program));
    expect(stdout).not.toContain("hello");
  },
);
