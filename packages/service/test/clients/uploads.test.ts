import { mkdir, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, startClientMachine } from "../support/client-machine.ts";
import { readClientPage } from "../support/client-page.ts";
import { MORE_THAN_BUFFERED, expectCut, startStallingTarget } from "../support/stalling-target.ts";

/* Clients of resumable uploads, unmodified, as docs/clients/uploads.md says. The server of tus is its own, which knows only the target's credential. */

const KEY = "Bearer SECRET";

let machine: ClientMachine;
/** Where the server of tus keeps its files. */
let files: string;
let tus: TestTarget;
beforeAll(async () => {
  machine = await startClientMachine();
  files = join(machine.home, "files");
  await mkdir(files);
  const server = new Server({ path: "/files", datastore: new FileStore({ directory: files }) });
  tus = await startStreamingTarget((request, response) => {
    if (request.headers.authorization === KEY) void server.handle(request, response);
    else response.writeHead(401).end();
  });
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), tus[Symbol.asyncDispose]()]));

test("tus-js-client uploads in parts, all of which pass through the service", async () => {
  await using target = await startStallingTarget(tus, { picks: () => false, body: "upload" });
  const page = await readClientPage("uploads", "uploads.example", "tus");
  const { token } = await grant(machine, page.exportBody(target.url));
  const program = page.block("javascript", { ...machine, token });
  const { code, stdout, stderr } = await machine.runModule(program);
  expect(code, stderr).toBe(0);
  const [, id = ""] = new RegExp(`^https://${machine.authority}/files/(\\w+)\n$`).exec(stdout) ?? [];
  expect(await readFile(join(files, id), "utf8")).toBe("hello");
  expect(target.requests.map(({ method }) => method)).toEqual(["POST", "PATCH", "PATCH", "PATCH"]);
  expectOwnCredential(target.requests, token, ["authorization", KEY]);
});

test("a revoke ends an upload, which continues with another capability where it was", async () => {
  let parts = 0;
  await using stalling = await startStallingTarget(tus, {
    picks: ({ method }) => method === "PATCH" && ++parts === 2,
    body: "upload",
  });
  const page = await readClientPage("uploads", "uploads.example", "tus");
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const program = page
    .block("javascript", { ...machine, token })
    .replace('Buffer.from("hello")', `Buffer.alloc(${2 * MORE_THAN_BUFFERED})`)
    .replace("chunkSize: 2", `retryDelays: null, chunkSize: ${MORE_THAN_BUFFERED}`);
  const before = new Set(await readdir(files));
  await expectCut(machine, stalling, end, machine.runModule(program));

  const id = (await readdir(files)).find((name) => !before.has(name) && !name.endsWith(".json")) ?? "";
  expect((await stat(join(files, id))).size).toBe(MORE_THAN_BUFFERED);
  await using target = await startStallingTarget(tus, { picks: () => false, body: "upload" });
  const other = await grant(machine, page.exportBody(target.url));
  const again = program
    .replace(token, other.token)
    .replace("chunkSize", `uploadUrl: "https://${machine.authority}/files/${id}", chunkSize`);
  const { code, stderr } = await machine.runModule(again);
  expect(code, stderr).toBe(0);
  expect(target.requests.map(({ method }) => method)).toEqual(["HEAD", "PATCH"]);
  expect((await stat(join(files, id))).size).toBe(2 * MORE_THAN_BUFFERED);
});

test("a place of an upload outside the base is removed, and tus-js-client sends its token nowhere else", async () => {
  await using elsewhere = await startTarget();
  await using target = await startTarget((_request, response) => {
    response.writeHead(201, { Location: `${elsewhere.url}files/1`, "Tus-Resumable": "1.0.0" }).end();
  });
  const page = await readClientPage("uploads", "uploads.example", "tus");
  const { token } = await grant(machine, page.exportBody(target.url));
  const program = page.block("javascript", { ...machine, token });
  const { code, stderr } = await machine.runModule(program.replace("chunkSize: 2", "retryDelays: null"));
  expect(code).not.toBe(0);
  expect(stderr).toContain("invalid or missing Location header");
  expect(elsewhere.requests).toEqual([]);
});

test("the SDK of Gemini uploads a file through the service, if the export opens the keys of the place", async () => {
  await using target = await startTarget(({ url = "" }, response) => {
    const place = `${target.url}upload/v1beta/files?upload_id=1&upload_protocol=resumable`;
    if (url === "/upload/v1beta/files") return void response.setHeader("X-Goog-Upload-URL", place).end("{}");
    response.setHeader("X-Goog-Upload-Status", "final").setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ file: { name: "files/1" } }));
  });
  const page = await readClientPage("uploads", "generativelanguage.example", "Gemini");
  const { token } = await grant(machine, page.exportBody(target.url));
  const { code, stdout, stderr } = await machine.runModule(page.block("javascript", { ...machine, token }));
  expect([code, stdout], stderr).toEqual([0, "files/1\n"]);
  const [, sent] = target.requests;
  expect([sent?.url, sent?.body.toString()]).toEqual([
    "/upload/v1beta/files?upload_id=1&upload_protocol=resumable",
    "hello",
  ]);
  expectOwnCredential(target.requests, token, ["x-goog-api-key", "SECRET"]);

  const unopened = await grant(machine, { ...page.exportBody(target.url), allowQuery: ["upload_id"] });
  const removed = await machine.runModule(page.block("javascript", { ...machine, token: unopened.token }));
  expect(removed.stderr).toContain("Failed to get upload url");
});
