import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import { writeImage } from "../support/image-layout.ts";
import { startImageRegistry } from "../support/image-registry.ts";
import { MORE_THAN_BUFFERED, expectCut, startStallingTarget } from "../support/stalling-target.ts";

/* skopeo, unmodified, as docs/clients/skopeo.md says. The registry is the reference implementation, and knows only the target's credential. */

const KEY = `Basic ${btoa("robot:the-key-of-the-registry")}`;
/** A line of `htpasswd` with the hash of the password. */
const USERS = "robot:$2b$05$QrZngKDLAKIxqMfQRsxDgere4AGd5gjOWhAoOoRkXACwkL/1ez2Xu\n";

let machine: ClientMachine;
let registry: Awaited<ReturnType<typeof startImageRegistry>>;
let page: ClientPage;
beforeAll(async () => {
  page = await readClientPage("skopeo", "registry.example");
  machine = await startClientMachine((ca) => ({ SSL_CERT_FILE: ca }));
  await mkdir(join(machine.home, "registry"));
  registry = await startImageRegistry(join(machine.home, "registry"), USERS);
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()]));

/** The commands of the page: log in, push, inspect, pull. */
function commandsOf(token: string): readonly [string, string, string, string] {
  const [login = "", push = "", inspect = "", pull = ""] = page
    .block("sh", { ...machine, token })
    .split("\n");
  return [login, push, inspect, pull];
}

/** Makes the image that is pushed, with a layer of random bytes, and returns the layer's digest. */
async function makeImage(bytes: number): Promise<string> {
  const image = join(machine.home, "image");
  await rm(image, { recursive: true, force: true });
  return writeImage(image, randomBytes(bytes));
}

function sh(...commands: readonly string[]): ReturnType<ClientMachine["run"]> {
  return machine.run("sh", ["-ec", commands.join("\n")]);
}

test("skopeo pushes, inspects and pulls with a capability as its password, and does not log in after a revoke", async () => {
  await makeImage(1_024 * 1_024);
  await using target = await startStallingTarget(registry, { picks: () => false, body: "download" });
  const { token, revoke: end } = await grant(machine, page.exportBody(target.url));
  const [login, push, inspect, pull] = commandsOf(token);
  const { code, stdout, stderr } = await sh(login, push, inspect, pull);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('"Name": ');
  const blobs = (name: string) => readdir(join(machine.home, name, "blobs/sha256"));
  expect(await blobs("copy")).toEqual(await blobs("image"));
  expect(target.requests.map(({ method }) => method)).toEqual(
    expect.arrayContaining(["GET", "POST", "PATCH", "PUT"]),
  );
  expectOwnCredential(target.requests, token, ["authorization", KEY]);

  const before = target.requests.length;
  await revoke(machine, end);
  const after = await sh(login);
  expect(after.code).not.toBe(0);
  expect(after.stderr).toContain("invalid username/password");
  expect(target.requests.length).toBe(before);
});

test("skopeo pulls and does not push with the page's limits for that", async () => {
  await makeImage(1_024);
  const body = page.exportBody(registry.url);
  const writer = await grant(machine, body);
  const pushed = await sh(...commandsOf(writer.token).slice(0, 2));
  expect(pushed.code, pushed.stderr).toBe(0);

  const limits = JSON.parse(`{${page.block("text", { ...machine, token: "" })}}`);
  const { token } = await grant(machine, { ...body, ...limits });
  const [login, push, inspect, pull] = commandsOf(token);
  const { code, stderr } = await sh(login, inspect, pull);
  expect(code, stderr).toBe(0);
  await makeImage(1_024);
  expect((await sh(push)).code).not.toBe(0);
});

test("a revoke ends the push of a layer, and skopeo reports it", async () => {
  await makeImage(MORE_THAN_BUFFERED);
  await using stalling = await startStallingTarget(registry, {
    picks: ({ method }) => method === "PATCH",
    body: "upload",
  });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const [login, push] = commandsOf(token);
  await expectCut(machine, stalling, end, sh(login, push));
});

test("a revoke ends the pull of a layer, and skopeo reports it", async () => {
  const digest = await makeImage(1_024 * 1_024);
  await using stalling = await startStallingTarget(registry, {
    picks: ({ method, url }) => method === "GET" && url?.endsWith(digest) === true,
    body: "download",
  });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const [login, push, , pull] = commandsOf(token);
  await expectCut(machine, stalling, end, sh(login, push, pull));
});
