import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus, uriOf } from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";

const DEPTH = 64;

/** An export capability of the first tenant has its membrane, the tenant and the tenant's `create` in its lineage. */
const ABOVE_AN_EXPORT = 3;

interface Link {
  readonly membrane: { readonly export: string; readonly revoke: string };
  readonly capability: string;
}

/** Exports a target and re-exports it repeatedly, each time through a new membrane. */
async function delegate(service: TestService, targetUrl: string, depth: number): Promise<Link[]> {
  const links: Link[] = [];
  for (let level = 0; level < depth; level += 1) {
    const membrane = await createMembrane(service, service.tokens.create, `level ${level}`);
    const above = links.at(-1);
    const source =
      above === undefined ? { uri: targetUrl } : { capability: uriOf(service, above.capability) };
    links.push({ membrane, capability: await exportThrough(service, membrane.export, source) });
  }
  return links;
}

async function statuses(service: TestService, links: readonly Link[]): Promise<number[]> {
  return Promise.all(links.map(async ({ capability }) => (await call(service, capability)).status));
}

test(`a target is invoked through ${DEPTH} delegations, and revoking any membrane ends exactly its descendants`, async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const links = await delegate(service, target.url, DEPTH);
  expect(await statuses(service, links)).toEqual(links.map(() => 200));

  for (let level = DEPTH - 1; level >= 0; level -= 1) {
    expectStatus(await call(service, links[level]!.membrane.revoke), 202);
    expect(await statuses(service, links)).toEqual(links.map((_, other) => (other < level ? 200 : 401)));
  }
});

test.each([0, 20, 63])(
  "revoking only membrane %i leaves the later membranes usable and the earlier capabilities alive",
  async (level) => {
    await using service = await startTestService();
    await using target = await startTarget();
    const links = await delegate(service, target.url, DEPTH);
    await statuses(service, links);
    expectStatus(await call(service, links[level]!.membrane.revoke), 202);

    expect(await statuses(service, links)).toEqual(links.map((_, other) => (other < level ? 200 : 401)));
    for (const [other, { membrane }] of links.entries()) {
      if (other === level) continue;
      await exportThrough(service, membrane.export, { uri: target.url });
    }
  },
);

test("an export capability that is re-exported with itself 60 times has 60 more nodes in its lineage, not 2 to the 60", async () => {
  const times = 60;
  await using service = await startTestService({ limits: { maxLineageNodes: 1 + times + ABOVE_AN_EXPORT } });
  const membrane = await createMembrane(service, service.tokens.create, "doubling");
  const last = await reexportWithItself(service, membrane.export, times);
  expect(await call(service, last, { body: {} })).toMatchObject({ status: 400 });

  const oneMore = await call(service, last, { body: { capability: uriOf(service, last) } });
  expect(oneMore).toMatchObject({ status: 409, json: { code: "lineage_too_large" } });
  expectStatus(await call(service, membrane.revoke), 202);
  expect(await call(service, last, { body: {} })).toMatchObject({ status: 401 });
});

test("a capability whose lineage would have more than 256 nodes is a 409 that says so, and nothing is stored", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const membrane = await createMembrane(service, service.tokens.create, "deep");
  const deepest = await reexportWithItself(service, membrane.export, 256 - 1 - ABOVE_AN_EXPORT);
  const before = await countRows(service);

  // A target descends from the export capability that made it, and so do the exported capabilities.
  for (const body of [{ capability: uriOf(service, deepest) }, { uri: target.url }]) {
    const response = await call(service, deepest, { body });
    expect(response).toMatchObject({ status: 409, json: { error: "Conflict", code: "lineage_too_large" } });
    expect(response.json.message).toContain("256");
  }
  expect(await countRows(service)).toEqual(before);
  expect(await call(service, deepest, { body: {} })).toMatchObject({ status: 400 });
});

async function reexportWithItself(service: TestService, exporting: string, times: number): Promise<string> {
  let last = exporting;
  for (let time = 0; time < times; time += 1) {
    last = await exportThrough(service, last, { capability: uriOf(service, last) });
  }
  return last;
}

/** Counts the records and index rows. */
async function countRows({ directory }: TestService): Promise<number[]> {
  await using store = await openRawStore(directory);
  const tables = ["nodes", "lookups", "names", "children"] as const;
  return await Promise.all(tables.map(async (table) => (await store.rows(table)).length));
}
