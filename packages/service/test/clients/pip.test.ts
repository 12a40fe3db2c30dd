import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import { expectCut, startStallingTarget } from "../support/stalling-target.ts";

/* pip, unmodified, as docs/clients/pip.md says. The index has one package, and knows only the target's credential. */

const KEY = `Basic ${Buffer.from("robot:the-key-of-the-index").toString("base64")}`;
const WHEEL = "example_package-1.0-py3-none-any.whl";

/** Writes the smallest wheel that pip installs. */
const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    info = "example_package-1.0.dist-info"
    wheel.writestr("example_package.py", "GREETING = 'hello'\\n")
    wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: example-package\\nVersion: 1.0\\n")
    wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: a\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "/RECORD", "")
`;

let machine: ClientMachine;
let index: TestTarget;
let page: ClientPage;
beforeAll(async () => {
  page = await readClientPage("pip", "index.example");
  machine = await startClientMachine((ca) => ({
    PIP_CERT: ca,
    PIP_TARGET: "installed",
    PIP_NO_INPUT: "1",
    PIP_NO_DEPS: "1",
    PIP_NO_CACHE_DIR: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_CONFIG_FILE: "/dev/null",
  }));
  const { code, stderr } = await machine.run("python3", ["-c", MAKE_WHEEL, WHEEL]);
  expect(code, stderr).toBe(0);
  const wheel = await readFile(join(machine.home, WHEEL));
  const sha256 = createHash("sha256").update(wheel).digest("hex");
  const html = `<!DOCTYPE html><html><body><a href="../../files/${WHEEL}#sha256=${sha256}">${WHEEL}</a></body></html>`;
  index = await startTarget(({ url, headers }, response) => {
    if (headers.authorization !== KEY) response.writeHead(401).end();
    else if (url === "/simple/example-package/") response.setHeader("Content-Type", "text/html").end(html);
    else if (url === `/files/${WHEEL}`) response.end(wheel);
    else response.writeHead(404).end();
  });
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), index[Symbol.asyncDispose]()]));

test("pip installs a package with a capability as the password of its index, and none after a revoke", async () => {
  const { token, revoke: end } = await grant(machine, page.exportBody(index.url));
  const install = page.block("sh", { ...machine, token });
  const { code, stdout, stderr } = await machine.run("sh", ["-ec", install]);
  expect(code, stdout + stderr).toBe(0);
  expect(await readFile(join(machine.home, "installed/example_package.py"), "utf8")).toContain("hello");
  expect(index.requests.map((request) => request.url)).toEqual([
    "/simple/example-package/",
    `/files/${WHEEL}`,
  ]);
  expectOwnCredential(index.requests, token, ["authorization", KEY]);

  await revoke(machine, end);
  const after = await machine.run("sh", ["-ec", `PIP_TARGET=afterwards ${install}`]);
  expect(after.code).not.toBe(0);
  expect(index.requests.length).toBe(2);
});

test("a revoke ends the download of a file, and pip reports it and installs nothing", async () => {
  await using stalling = await startStallingTarget(index, {
    picks: ({ url }) => url?.endsWith(".whl") === true,
    body: "download",
  });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const install = `PIP_TARGET=cut ${page.block("sh", { ...machine, token })}`;
  const { stderr } = await expectCut(machine, stalling, end, machine.run("sh", ["-ec", install]));
  expect(stderr).toContain("ERROR:");
  await expect(readFile(join(machine.home, "cut/example_package.py"))).rejects.toThrow("ENOENT");
});
