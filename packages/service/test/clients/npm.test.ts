import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import { MORE_THAN_BUFFERED, expectCut, startStallingTarget } from "../support/stalling-target.ts";

/* npm, unmodified, as docs/clients/npm.md says. The registry has one package, in a scope, and knows only the target's credential. */

const KEY = "Bearer SECRET";

let machine: ClientMachine;
let registry: TestTarget;
let page: ClientPage;
beforeAll(async () => {
  page = await readClientPage("npm", "registry.example");
  machine = await startClientMachine((ca) => ({
    npm_config_cafile: ca,
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    npm_config_fetch_retries: "0",
  }));
  const tarball = await packPackage();
  registry = await startTarget(({ method, url = "", headers }, response) => {
    if (headers.authorization !== KEY) response.writeHead(401).end();
    else if (method === "PUT") response.writeHead(201).end("{}");
    else if (url === "/@example/package/-/package-1.0.0.tgz") response.end(tarball);
    else if (url === "/@example%2Fpackage")
      response.end(JSON.stringify(describePackage(registry.url, tarball)));
    else response.writeHead(404).end("{}");
  });
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()]));

async function packPackage(): Promise<Buffer> {
  await mkdir(join(machine.home, "package"));
  await machine.write("package/package.json", JSON.stringify({ name: "@example/package", version: "1.0.0" }));
  await machine.write("package/index.js", 'module.exports = "hello";\n');
  const { code, stderr } = await machine.run("tar", ["-czf", "package.tgz", "package"]);
  expect(code, stderr).toBe(0);
  return readFile(join(machine.home, "package.tgz"));
}

/** A registry names the tarball by its own URL. */
function describePackage(url: string, tarball: Buffer): object {
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const dist = { tarball: `${url}@example/package/-/package-1.0.0.tgz`, integrity };
  const version = { name: "@example/package", version: "1.0.0", dist };
  return { name: "@example/package", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } };
}

/** Makes a project with the page's `.npmrc`, and returns its folder. */
async function makeProject(name: string, token: string): Promise<string> {
  const project = join(machine.home, name);
  await mkdir(project);
  await writeFile(join(project, ".npmrc"), page.block("ini", { ...machine, token }));
  await writeFile(join(project, "package.json"), "{}");
  return project;
}

function inProject(project: string, command: string): ReturnType<ClientMachine["run"]> {
  return machine.run("sh", ["-ec", `cd "$1"\n${command}`, "sh", project]);
}

test("npm installs a package of a scope with a capability as its credential, and sees none after a revoke", async () => {
  const { token, revoke: end } = await grant(machine, page.exportBody(registry.url));
  const project = await makeProject("bearer", token);
  const { code, stdout, stderr } = await inProject(project, page.block("sh", { ...machine, token }));
  expect(code, stdout + stderr).toBe(0);
  expect(await readFile(join(project, "node_modules/@example/package/index.js"), "utf8")).toContain("hello");
  expect(registry.requests.map(({ url }) => url)).toEqual([
    "/@example%2Fpackage",
    "/@example/package/-/package-1.0.0.tgz",
  ]);
  expectOwnCredential(registry.requests, token, ["authorization", KEY]);

  await revoke(machine, end);
  const after = await inProject(project, "npm view @example/package --prefer-online");
  expect(after.code).not.toBe(0);
  expect(after.stderr).toContain("E401");
});

test("npm sends the capability as _auth too", async () => {
  const { token } = await grant(machine, page.exportBody(registry.url));
  const project = await makeProject("basic", token);
  const npmrc = await readFile(join(project, ".npmrc"), "utf8");
  const credential = Buffer.from(`any:${token}`).toString("base64");
  await writeFile(join(project, ".npmrc"), npmrc.replace(`_authToken=${token}`, `_auth=${credential}`));
  const { code, stdout, stderr } = await inProject(
    project,
    "npm view @example/package version --prefer-online",
  );
  expect([code, stdout], stderr).toEqual([0, "1.0.0\n"]);
});

test("npm publishes a package of a scope with a capability as its credential", async () => {
  const { token } = await grant(machine, page.exportBody(registry.url));
  const project = await makeProject("publisher", token);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "@example/mine", version: "2.0.0" }));
  const { code, stderr } = await inProject(project, "npm publish");
  expect(code, stderr).toBe(0);
  const published = registry.requests.at(-1);
  expect([published?.method, published?.url]).toEqual(["PUT", "/@example%2Fmine"]);
  expect(JSON.parse(published?.body.toString() ?? "")).toMatchObject({ versions: { "2.0.0": {} } });
  expectOwnCredential([published!], token, ["authorization", KEY]);
});

test("a revoke ends the download of a tarball, and npm reports it and installs nothing", async () => {
  await using stalling = await startStallingTarget(registry, {
    picks: ({ url }) => url?.endsWith(".tgz") === true,
    body: "download",
  });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const project = await makeProject("cut-download", token);
  // Without the cache of the other tests, which has the tarball.
  const installing = inProject(project, "npm install @example/package --cache=cache");
  const { stderr } = await expectCut(machine, stalling, end, installing);
  expect(stderr).toContain("npm error");
  await expect(readdir(join(project, "node_modules/@example/package"))).rejects.toThrow("ENOENT");
});

test("a revoke ends a publication, and npm reports it", async () => {
  await using stalling = await startStallingTarget(registry, {
    picks: ({ method }) => method === "PUT",
    body: "upload",
  });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const project = await makeProject("cut-upload", token);
  await writeFile(
    join(project, "package.json"),
    JSON.stringify({ name: "@example/large", version: "1.0.0" }),
  );
  await writeFile(join(project, "large"), randomBytes(MORE_THAN_BUFFERED));
  const { stderr } = await expectCut(machine, stalling, end, inProject(project, "npm publish"));
  expect(stderr).toContain("npm error");
});
