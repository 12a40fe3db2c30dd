import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Container } from "../../../testkit/src/container.ts";
import { startContainer } from "../../../testkit/src/container.ts";
import { run } from "../../../testkit/src/run.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

const CONTAINER_FILE = "deploy/container/Containerfile";
const USE_SERVICE = fileURLToPath(new URL("../../../testkit/src/use-service.js", import.meta.url));
const BUILD_MS = 600_000;

let container: Container;

beforeAll(async () => {
  container = await startContainer(CONTAINER_FILE, { MEMBRANE_ALLOW_TARGET: "127.0.0.1:8089" });
}, BUILD_MS);

afterAll(async () => {
  await container?.[Symbol.asyncDispose]();
});

test("with a read-only root and a new volume the container serves, as a user without a right", async () => {
  const status = await container.status();
  expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
  expect(status).toMatch(/^CapBnd:\t0000000000000000$/m);
  for (const path of ["/", "/tmp", "/opt/membrane", "/home"]) {
    const written = await container.execute(["touch", join(path, "test")]);
    expect([path, written.code]).toEqual([path, 1]);
  }
});

test("what a tenant makes with the service in the container works", async () => {
  const tenant = await container.execute([
    ...container.config.entrypoint,
    "tenant",
    "create",
    "--id",
    "alice",
    "--json",
  ]);
  await using directory = await temporaryDirectory();
  const kept = join(directory.path, "kept.json");
  const trust = { NODE_EXTRA_CA_CERTS: container.path("/data/tls/ca.pem") };
  const used = await container.onItsNetwork(
    [process.execPath, USE_SERVICE, "make", kept],
    trust,
    tenant.stdout,
  );
  expect([used.stdout, used.stderr]).toEqual(["200\n", ""]);
});

test("no variable of the image is a secret, and its ports are those of the service", async () => {
  expect(Object.keys(container.config.env).toSorted()).toEqual([
    "MEMBRANE_DATA",
    "MEMBRANE_LISTEN",
    "MEMBRANE_METRICS_LISTEN",
    "MEMBRANE_PROFILE",
  ]);
  expect(container.config.ports).toEqual([container.config.env["MEMBRANE_LISTEN"]!.split(":")[1]]);
});

test("the image has what serving needs, and neither sources nor the packages for building", async () => {
  const names = await container.execute(["ls", "/opt/membrane", "/opt/membrane/packages/service"]);
  expect(names.stdout.split("\n")).toEqual(
    expect.arrayContaining(["node_modules", "packages", "dist", "bin"]),
  );
  expect(names.stdout.split("\n")).not.toContain("src");
  expect((await container.execute(["ls", "/opt/membrane/node_modules/typescript"])).code).not.toBe(0);
});

test("the health check fails where nothing serves, and its signal ends the service in order", async () => {
  expect((await container.execute(container.config.health)).code).toBe(0);
  const elsewhere = await run("unshare", ["--net", "--", ...container.config.health], { env: process.env });
  expect(elsewhere.code).toBe(1);
  expect(await container.stop()).toBe(0);
});
