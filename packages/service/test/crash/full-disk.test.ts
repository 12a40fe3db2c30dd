import { join } from "node:path";
import { expect, test } from "vitest";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { call, createMembrane, expectStatus, exportThrough, tokenOf } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";
import type { SmallDisk } from "../../../testkit/src/small-disk.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/* A disk that is full: anybody may have filled it, and nothing but new records may stop. */

const MEGABYTES = 24;
const MEMBRANES = 40;

/** All lines of standard error, as they come. */
function linesOf({ stderr }: ServiceProcess): () => readonly string[] {
  const chunks: string[] = [];
  stderr.on("data", (chunk: Buffer) => chunks.push(chunk.toString("utf8")));
  return () =>
    chunks
      .join("")
      .split("\n")
      .filter((line) => line !== "");
}

interface Filled {
  readonly service: ServiceProcess;
  readonly lines: () => readonly string[];
  readonly tokens: Awaited<ReturnType<typeof firstTokens>>;
  readonly membranes: readonly { readonly export: string; readonly revoke: string }[];
  readonly token: string;
  /** Of another tenant. */
  readonly deleteSelf: string;
}

/** A service with membranes and an exported capability, whose disk is full. */
async function fillDisk(disk: SmallDisk, target: string, flags: readonly string[] = []): Promise<Filled> {
  const data = join(disk.path, "data");
  const service = await spawnService(data, { flags });
  const lines = linesOf(service);
  const tokens = await firstTokens(data);
  const membranes = [];
  for (let i = 0; i < MEMBRANES; i += 1)
    membranes.push(await createMembrane(service, tokens.create, `m${i}`));
  const token = await exportThrough(service, membranes[0]!.export, { uri: target });
  const other = await call(service, tokens.provision, { body: { id: "other" } });
  const deleteSelf = tokenOf(other.json.capabilities.deleteSelf);
  disk.fill();
  return { service, lines, tokens, membranes, token, deleteSelf };
}

/** Exports until the store takes nothing in any more. */
async function exportUntilFull(service: ServiceProcess, exporting: string): Promise<CallResponse> {
  const uri = `http://127.0.0.1:1/${"a".repeat(4_000)}`;
  for (let i = 0; i < 1_000; i += 1) {
    const response = await call(service, exporting, { body: { uri } });
    if (response.status !== 201) return response;
  }
  throw new Error("the disk is never full");
}

test.each([1, 2])(
  "on a full disk %i worker(s) go on: read, invoke, revoke, delete tenants; all else is a 503 until there is space",
  async (workers) => {
    await using disk = await mountSmallDisk(MEGABYTES);
    await using target = await startTarget();
    const at = await fillDisk(disk, target.url, ["--workers", String(workers)]);
    await using service = at.service;
    const { tokens, membranes, token } = at;
    const refused = await exportUntilFull(service, membranes[0]!.export);
    expect(refused).toMatchObject({ status: 503, json: { code: "store_full" } });
    expect(refused.headers["retry-after"]).toBe("60");
    expect(await call(service, tokens.create, { body: { id: "more" } })).toMatchObject({
      status: 503,
      json: { code: "store_full" },
    });
    expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
    const listed = await call(service, tokens.query, { path: "/?limit=1000" });
    expect(listed.json.membranes).toHaveLength(MEMBRANES);

    for (const { revoke } of membranes.slice(1)) expectStatus(await call(service, revoke), 202);
    expect(await call(service, membranes[1]!.export, { body: {} })).toMatchObject({ status: 401 });
    expectStatus(await call(service, at.deleteSelf), 202);
    expect(await call(service, at.deleteSelf)).toMatchObject({ status: 401 });

    await disk.empty();
    const again = await exportThrough(service, membranes[0]!.export, { uri: target.url });
    // The space that was kept is kept again.
    disk.fill();
    expect(await exportUntilFull(service, membranes[0]!.export)).toMatchObject({ status: 503 });
    expect(await call(service, again)).toMatchObject({ status: 200 });
    expectStatus(await call(service, membranes[0]!.revoke), 202);
    expect(await call(service, again)).toMatchObject({ status: 401 });

    expect(at.lines().map((line) => JSON.parse(line) as object)).not.toContainEqual(
      expect.objectContaining({ msg: "worker ended" }),
    );
    const states = at.lines().flatMap((line) => {
      const { msg, state, cause } = JSON.parse(line) as Record<string, string>;
      return msg === "store" ? [`${state} ${cause ?? ""}`.trim()] : [];
    });
    // Once as it begins and once as it ends, of each worker.
    if (workers === 1) expect(states).toEqual(["full ENOSPC", "writable", "full ENOSPC"]);
    else expect(states).toContain("full ENOSPC");
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  },
);

test("a service starts on a full disk, serves and revokes", async () => {
  await using disk = await mountSmallDisk(MEGABYTES);
  await using target = await startTarget();
  const { service, membranes, token } = await fillDisk(disk, target.url);
  await service.end("SIGKILL");
  disk.fill();
  await using again = await spawnService(join(disk.path, "data"));
  expect(await call(again, token)).toMatchObject({ status: 200, text: "ok" });
  expectStatus(await call(again, membranes[0]!.revoke), 202);
  expect(await call(again, token)).toMatchObject({ status: 401 });
  expect(await call(again, membranes[1]!.revoke)).toMatchObject({ status: 202 });
});

test("a tenant that is deleted makes room for others, though the disk stays full", async () => {
  await using disk = await mountSmallDisk(12);
  await using target = await startTarget();
  const data = join(disk.path, "data");
  await using service = await spawnService(data);
  const tokens = await firstTokens(data);
  const own = await createMembrane(service, tokens.create, "own");
  const provisioned = await call(service, tokens.provision, { body: { id: "greedy" } });
  const greedy = provisioned.json.capabilities;
  const membrane = await createMembrane(service, tokenOf(greedy.create), "greedy");
  // The store itself fills the disk.
  expect(await exportUntilFull(service, membrane.export)).toMatchObject({ json: { code: "store_full" } });
  expectStatus(await call(service, tokenOf(greedy.deleteSelf)), 202);
  const token = await eventually(async () => {
    const response = await call(service, own.export, { body: { uri: target.url } });
    return response.status === 201 ? tokenOf(response.json.capability) : undefined;
  });
  expect(await call(service, token)).toMatchObject({ status: 200 });
});

/** What a background job makes true. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it never came");
}
