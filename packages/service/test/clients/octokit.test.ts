import { symlink } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import { expectCut, startStallingTarget } from "../support/stalling-target.ts";

/* Octokit, unmodified, as docs/clients/octokit.md says. The API links pages and redirects renamed repositories as GitHub does. */

const KEY = "Bearer SECRET";
const ISSUES = ["first", "second", "third", "fourth", "fifth"];

let machine: ClientMachine;
let api: TestTarget;
let page: ClientPage;
beforeAll(async () => {
  page = await readClientPage("octokit", "api.github.com");
  machine = await startClientMachine((ca) => ({ NODE_EXTRA_CA_CERTS: ca }));
  const installed = fileURLToPath(new URL("../../../../node_modules", import.meta.url));
  await symlink(installed, join(machine.home, "node_modules"));
  api = await startTarget(({ url, headers }, response) => {
    if (headers.authorization === KEY) respond(new URL(url ?? "", `http://${headers.host}/`), response);
    else response.writeHead(401).end();
  });
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), api[Symbol.asyncDispose]()]));

/** Responds with a page of the issues, and links to it by the repository's number. */
function respond({ origin, pathname, searchParams }: URL, response: ServerResponse): void {
  const repository = `${origin}/repositories/7/issues`;
  if (pathname === "/repos/my-org/old-name/issues") {
    response.writeHead(301, { Location: repository }).end();
    return;
  }
  const at = Number(searchParams.get("page") ?? "1");
  const size = Number(searchParams.get("per_page") ?? "30");
  const isLast = at * size >= ISSUES.length;
  const link = `<${repository}?per_page=${size}&page=${at + 1}>; rel="next", <${repository}>; rel="first"`;
  const shown = ISSUES.slice((at - 1) * size, at * size);
  response
    .writeHead(200, { "Content-Type": "application/json; charset=utf-8", ...(!isLast && { Link: link }) })
    .end(JSON.stringify(shown.map((title) => ({ title, url: `${origin}/issues/1` }))));
}

async function runScript(script: string): Promise<ProcessResult> {
  await machine.write("issues.mjs", script);
  return machine.run("node", ["issues.mjs"]);
}

test("Octokit gets every page with a capability as its token, and none after a revoke", async () => {
  const { token, revoke: end } = await grant(machine, page.exportBody(api.url));
  const script = page.block("js", { ...machine, token });
  const { stdout, stderr } = await runScript(script);
  expect(stdout, stderr).toBe(`${ISSUES.join("\n")}\n`);
  expect(api.requests.map(({ url }) => url)).toEqual([
    "/repos/my-org/my-repo/issues?per_page=2",
    "/repositories/7/issues?per_page=2&page=2",
    "/repositories/7/issues?per_page=2&page=3",
  ]);
  expectOwnCredential(api.requests, token, ["authorization", KEY]);

  await revoke(machine, end);
  expect((await runScript(script)).stderr).toContain("Missing or invalid capability token");
  expect(api.requests.length).toBe(3);
});

test("Octokit follows the redirect of a renamed repository with its token, through the service", async () => {
  const { token } = await grant(machine, page.exportBody(api.url));
  const before = api.requests.length;
  const script = page.block("js", { ...machine, token }).replace('"my-repo"', '"old-name"');
  const { stdout, stderr } = await runScript(script);
  expect(stdout, stderr).toContain(`${ISSUES[0]}\n`);
  const requests = api.requests.slice(before);
  expect(requests.slice(0, 2).map(({ url }) => url)).toEqual([
    "/repos/my-org/old-name/issues?per_page=2",
    "/repositories/7/issues",
  ]);
  expectOwnCredential(requests, token, ["authorization", KEY]);
});

test("a revoke ends a page that Octokit is reading, and Octokit reports it when it asks for the next one", async () => {
  await using stalling = await startStallingTarget(api, { picks: () => true, body: "download" });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const running = runScript(page.block("js", { ...machine, token }));
  const { stdout, stderr } = await expectCut(machine, stalling, end, running);
  expect(stdout).toBe("");
  expect(stderr).toContain("Missing or invalid capability token");
});
