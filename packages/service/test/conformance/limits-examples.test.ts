import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";

interface Step {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
  readonly code: string | undefined;
}

const PAGE = await readFile(new URL("../../../../docs/limits.md", import.meta.url), "utf8");

/** A sentence that ends with a colon, the indented body of an export, and a table of requests. */
const EXAMPLES = Array.from(
  PAGE.matchAll(/^(.+):\n\n((?: {4}.+\n)+)\n\| request \| response \|\n\|---\|---\|\n((?:\|.+\n)+)/gm),
  ([, title = "", body = "", table = ""]) => ({ title, body, steps: table.trim().split("\n").map(readStep) }),
);

function readStep(row: string): Step {
  const [, request = "", response = ""] = row.split(/ ?\| ?/);
  const [line = "", ...headers] = Array.from(request.matchAll(/`([^`]+)`/g), ([, text = ""]) => text);
  const [method = "", path = ""] = line.split(" ");
  const [status, code] = response.split(" ");
  return {
    method,
    path,
    headers: Object.fromEntries(headers.map((header) => header.split(": "))),
    status: Number(status),
    code: code?.slice(1, -1),
  };
}

let service: TestService;
let target: TestTarget;
let exportToken: string;
beforeAll(async () => {
  [service, target] = await Promise.all([startTestService(), startTarget()]);
  ({ export: exportToken } = await createMembrane(service, service.tokens.create, "examples"));
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

/** The body of an example, with credentials, with the test's target in place of the real one. */
function bodyOf(text: string): object {
  const { hostname } = new URL(/"(https:[^"]+)"/.exec(text)?.[1] ?? "");
  const [name = "", region = ""] = hostname.split(".");
  const credentials = { awsAccessKeyId: "AKID", region, service: name, secretAccessKey: "secret" };
  const filled = text.replace("{…}", JSON.stringify(credentials)).replaceAll("…", "secret");
  return JSON.parse(
    filled.replace(`https://${hostname}/`, target.url).replace(`https://${hostname}`, target.url),
  );
}

test("the page has the examples that follow", () => {
  expect(EXAMPLES.map(({ title }) => title)).toEqual([
    "A model for one agent, with a hundred requests a minute",
    "A repository at GitHub, read-only",
    "Only `GetItem` of DynamoDB",
    "One prefix of a bucket, read-only",
    "One tool of an MCP server",
    "A link that works once",
  ]);
});

test.each(EXAMPLES)("$title: each request has the response of the page", async ({ body, steps }) => {
  const token = await exportThrough(service, exportToken, bodyOf(body));
  for (const { method, path, headers, status, code } of steps) {
    const received = target.requests.length;
    const response = await call(service, token, { method, path, headers });
    expect([response.status, response.json?.code], `${method} ${path}`).toEqual([status, code]);
    expect(target.requests.length - received, `${method} ${path}`).toBe(status === 200 ? 1 : 0);
  }
});
