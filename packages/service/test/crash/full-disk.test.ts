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

/* A full disk, which anyone may have filled: only new records may fail. */

const MEGABYTES = 24;
const MEMBRANES = 40;
const MAX_USES = 9;
/** Capabilities that count their uses, of which a full disk has room for a few. */
const COUNTED = 60;

/** Collects the lines of standard error. */
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
  /** A capability that counts its uses. */
  readonly counted: string;
  /** The `deleteSelf` of another tenant. */
  readonly deleteSelf: string;
}

/** Starts a service with membranes and an exported capability, and fills its disk. */
async function fillDisk(disk: SmallDisk, target: string, flags: readonly string[] = []): Promise<Filled> {
  const data = join(disk.path, "data");
  const service = await spawnService(data, { flags });
  const lines = linesOf(service);
  const tokens = await firstTokens(data);
  const membranes = [];
  for (let i = 0; i < MEMBRANES; i += 1)
    membranes.push(await createMembrane(service, tokens.create, `m${i}`));
  const token = await exportThrough(service, membranes[0]!.export, { uri: target });
  const counted = await exportThrough(service, membranes[0]!.export, {
    uri: target,
    limits: { maxUses: MAX_USES },
  });
  const other = await call(service, tokens.provision, { body: { id: "other" } });
  const deleteSelf = tokenOf(other.json.capabilities.deleteSelf);
  disk.fill();
  return { service, lines, tokens, membranes, token, counted, deleteSelf };
}

/** Exports until the store is full. */
async function exportUntilFull(service: ServiceProcess, exporting: string): Promise<CallResponse> {
  const uri = `http://127.0.0.1:1/${"a".repeat(4_000)}`;
  for (let i = 0; i < 1_000; i += 1) {
    const response = await call(service, exporting, { body: { uri } });
    if (response.status !== 201) return response;
  }
  throw new Error("the disk is never full");
}

test.each([1, 2])(
  "on a full disk %i worker(s) still read, invoke, revoke and delete tenants; all else is a 503 until there is space",
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
    // A use needs less space than a new record: there may be some. What cannot be counted is not sent.
    const before = target.requests.length;
    const uses = await Promise.all(Array.from({ length: 20 }, () => call(service, at.counted)));
    const admitted = uses.filter(({ status }) => status === 200).length;
    for (const { status } of uses) expect([200, 401, 503]).toContain(status);
    expect(admitted).toBeLessThanOrEqual(MAX_USES);
    expect(target.requests).toHaveLength(before + admitted);
    const listed = await call(service, tokens.query, { path: "/?limit=1000" });
    expect(listed.json.membranes).toHaveLength(MEMBRANES);

    for (const { revoke } of membranes.slice(1)) expectStatus(await call(service, revoke), 202);
    expect(await call(service, membranes[1]!.export, { body: {} })).toMatchObject({ status: 401 });
    expectStatus(await call(service, at.deleteSelf), 202);
    expect(await call(service, at.deleteSelf)).toMatchObject({ status: 401 });

    await disk.empty();
    const again = await exportThrough(service, membranes[0]!.export, { uri: target.url });
    expect((await call(service, at.counted)).status).toBe(admitted < MAX_USES ? 200 : 401);
    // The reserved space is reserved again.
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
    // Each worker logs the beginning and the end once.
    if (workers === 1) expect(states).toEqual(["full ENOSPC", "writable", "full ENOSPC"]);
    else expect(states).toContain("full ENOSPC");
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  },
);

test("on a full disk a use that cannot be counted is a 503 and is not sent, and a revoke still ends the capability", async () => {
  await using disk = await mountSmallDisk(MEGABYTES);
  await using target = await startTarget();
  const data = join(disk.path, "data");
  await using service = await spawnService(data);
  const tokens = await firstTokens(data);
  const membrane = await createMembrane(service, tokens.create, "m");
  const limits = { maxUses: 1_000 };
  const counted: string[] = [];
  // A use is a change of one record: only many of them need pages that a full disk does not have.
  for (let i = 0; i < COUNTED; i += 1)
    counted.push(await exportThrough(service, membrane.export, { uri: target.url, limits }));
  disk.fill();
  await exportUntilFull(service, membrane.export);
  const useAll = (): Promise<readonly CallResponse[]> =>
    Promise.all(counted.map((token) => call(service, token)));
  const uses = [...(await useAll()), ...(await useAll()), ...(await useAll())];
  const refused = uses.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  for (const use of refused) expect(use).toMatchObject({ status: 503, json: { code: "store_full" } });
  expect(target.requests).toHaveLength(uses.length - refused.length);

  expectStatus(await call(service, membrane.revoke), 202);
  for (const { status } of await useAll()) expect(status).toBe(401);
});

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

test("a deleted tenant makes room for others although the disk stays full", async () => {
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

/** Waits for the result of a background job. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it never came");
}
