import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createS3Stub } from "../../../testkit/src/s3-stub.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { grant, revoke, startClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";

/* The AWS SDK for JavaScript, unmodified, as docs/clients/aws.md says. The bucket verifies the signature of each request. */

const PACKAGES = fileURLToPath(new URL("../../../../node_modules", import.meta.url));

let machine: ClientMachine;
let bucket: TestTarget;
let page: ClientPage;
beforeAll(async () => {
  page = await readClientPage("aws", "s3.example");
  machine = await startClientMachine((ca) => ({
    AWS_PROFILE: "membrane",
    NODE_EXTRA_CA_CERTS: ca,
    NODE_NO_WARNINGS: "1",
  }));
  await symlink(PACKAGES, join(machine.home, "node_modules"));
  await mkdir(join(machine.home, ".aws"));
  const s3 = createS3Stub();
  bucket = await startTarget((_request, response) => s3.handle(bucket.requests.at(-1)!, response));
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), bucket[Symbol.asyncDispose]()]));

test("the SDK writes, lists and reads objects with a capability as its session token, and none after a revoke", async () => {
  const { token, revoke: end } = await grant(machine, page.exportBody(bucket.url));
  await machine.write(".aws/config", page.block("ini", { ...machine, token }));
  await machine.write("objects.mjs", page.block("js", { ...machine, token }));
  const { code, stdout, stderr } = await machine.run("node", ["objects.mjs"]);
  expect([code, stdout], stderr).toEqual([0, "1 hello\n"]);
  expect(bucket.requests.map(({ method }) => method)).toEqual(["PUT", "GET", "GET"]);
  expect(bucket.requests.map(({ rawHeaders }) => rawHeaders.join("\n")).join("\n")).not.toContain(token);

  await revoke(machine, end);
  const after = await machine.run("node", ["objects.mjs"]);
  expect(after.code).not.toBe(0);
  expect(after.stderr).toContain("401");
  expect(bucket.requests).toHaveLength(3);
});

test("the page's examples of limits are accepted in an export", async () => {
  expect(page.examples).toHaveLength(3);
  for (const example of page.examples) await grant(machine, { ...page.exportBody(bucket.url), ...example });
});
