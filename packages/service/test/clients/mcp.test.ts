import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import type { McpRevision, McpTarget } from "../support/mcp-server.ts";
import { startMcpServer } from "../support/mcp-server.ts";
import { expectCut } from "../support/stalling-target.ts";

/* The client of the MCP SDK, unmodified, as docs/clients/mcp.md says, against the SDK's own server in both revisions. */

const KEY = "Bearer SECRET";

let machine: ClientMachine;
let page: ClientPage;
beforeAll(async () => {
  machine = await startClientMachine();
  page = await readClientPage("mcp", "mcp.example");
});
afterAll(() => machine[Symbol.asyncDispose]());

function programOf(token: string): string {
  return page.block("javascript", { ...machine, token });
}

function versionsOf({ requests }: McpTarget): ReadonlySet<unknown> {
  return new Set(requests.slice(1).map(({ headers }) => headers["mcp-protocol-version"]));
}

test.each<McpRevision>(["2025-11-25", "2026-07-28"])(
  "the program of the page works with a server of %s, and no more after a revoke",
  async (revision) => {
    await using server = await startMcpServer(revision, KEY);
    const { token, revoke: end } = await grant(machine, page.exportBody(server.url));
    const { code, stdout, stderr } = await machine.runModule(programOf(token));
    expect([code, stdout], stderr).toEqual([0, "hello"]);
    expect(versionsOf(server)).toContain(revision);
    expectOwnCredential(server.requests, token, ["authorization", KEY]);

    const before = server.requests.length;
    await revoke(machine, end);
    const after = await machine.runModule(programOf(token));
    expect(after.code).not.toBe(0);
    expect(after.stderr).toMatch(/401|invalid capability token/i);
    expect(server.requests.length).toBe(before);
  },
);

test.each<McpRevision>(["2025-11-25", "2026-07-28"])(
  "a revoke ends the stream of a call to a server of %s, and the client reports it",
  async (revision) => {
    await using server = await startMcpServer(revision, KEY);
    const { token, revoke: end } = await grant(machine, page.exportBody(server.url));
    const waiting = programOf(token)
      .replace("await client", "client.onerror = (error) => { throw error; };\nawait client")
      .replace('"greet", arguments: {} }', '"wait", arguments: {} }, { onprogress() {} }');
    const { stderr } = await expectCut(machine, server, end, machine.runModule(waiting));
    expect(stderr).toContain("SSE stream disconnected");
  },
);

test("a client that asks for the older revision alone calls a tool of a server of it", async () => {
  await using server = await startMcpServer("2025-11-25", KEY);
  const { token } = await grant(machine, page.exportBody(server.url));
  const older = programOf(token).replace(', { versionNegotiation: { mode: "auto" } }', "");
  const { code, stdout, stderr } = await machine.runModule(older);
  expect([code, stdout], stderr).toEqual([0, "hello"]);
  expect(server.requests[0]?.body.toString()).toContain('"initialize"');
});

/** The limits of the page, for one name. */
async function limitsFor(name: string, method = "tools/call"): Promise<object> {
  const text = await readFile(new URL("../../../../docs/clients/mcp.md", import.meta.url), "utf8");
  const [, example = ""] = /^```text\n([^`]*)^```$/m.exec(text) ?? [];
  return JSON.parse(`{${example.replace('"greet"', JSON.stringify(name)).replace("tools/call", method)}}`);
}

test("the client calls the one tool that the page's limits name, and no other", async () => {
  await using server = await startMcpServer("2026-07-28", KEY);
  const { token } = await grant(machine, { ...page.exportBody(server.url), ...(await limitsFor("greet")) });
  const { code, stdout, stderr } = await machine.runModule(programOf(token));
  expect([code, stdout], stderr).toEqual([0, "hello"]);
  const methods = server.requests.map(({ headers }) => headers["mcp-method"]);
  expect(methods).toEqual(["server/discover", "tools/call"]);

  const refused = await machine.runModule(programOf(token).replace("greet", "wait"));
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("header_not_allowed");
  expect(server.requests.map(({ headers }) => headers["mcp-name"])).not.toContain("wait");
});

test("a limit has a name as it is, and the client sends it in base64", async () => {
  await using server = await startMcpServer("2026-07-28", KEY);
  const body = page.exportBody(server.url);
  const { token } = await grant(machine, { ...body, ...(await limitsFor("grüße", "prompts/get")) });
  const program = programOf(token)
    .replace(
      'content } = await client.callTool({ name: "greet"',
      'messages } = await client.getPrompt({ name: "grüße"',
    )
    .replace("content[0].text", "messages[0].content.text");
  const { code, stdout, stderr } = await machine.runModule(program);
  expect([code, stdout], stderr).toEqual([0, "hello"]);
  expect(server.requests.at(-1)?.headers["mcp-name"]).toBe(
    `=?base64?${Buffer.from("grüße").toString("base64")}?=`,
  );

  const other = await grant(machine, { ...body, ...(await limitsFor("grusse", "prompts/get")) });
  const refused = await machine.runModule(program.replace(token, other.token));
  expect(refused.stderr).toContain("header_not_allowed");
});

test("a client with an authProvider presents the capability to no authorization server that the target names", async () => {
  await using authorizationServer = await startTarget();
  await using server = await startTarget(({ url = "" }, response) => {
    const isMetadata = url.includes("oauth-protected-resource");
    const body = {
      resource: `https://${machine.authority}/mcp`,
      authorization_servers: [authorizationServer.url],
    };
    response.writeHead(isMetadata ? 200 : 401, { "Content-Type": "application/json" });
    response.end(JSON.stringify(isMetadata ? body : {}));
  });
  const { token } = await grant(machine, {
    uri: server.url,
    headers: { Authorization: KEY },
    allowPath: true,
  });
  const program = programOf(token)
    .replace(`https://${machine.authority}/"`, `https://${machine.authority}/mcp"`)
    .replace("requestInit: { headers }", "requestInit: { headers }, authProvider");
  expect(program).toContain('/mcp"), { requestInit: { headers }, authProvider }');
  const { code } = await machine.runModule(AUTH_PROVIDER + program);
  expect(code).not.toBe(0);
  expect(server.requests.map(({ url }) => url)).toContain("/mcp");
  expect(authorizationServer.requests).toEqual([]);
});

const AUTH_PROVIDER = `
const authProvider = {
  redirectUrl: "http://127.0.0.1:1/",
  clientMetadata: { redirect_uris: ["http://127.0.0.1:1/"], client_name: "a" },
  clientInformation() {},
  saveClientInformation() {},
  tokens() {},
  saveTokens() {},
  redirectToAuthorization() {},
  saveCodeVerifier() {},
  codeVerifier: () => "a",
};
`;
