import { expect, test } from "vitest";
import { call, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";

/** Ids in the order of their UTF-8 bytes; in JavaScript's order the musical sign is before U+E000 and U+FFFF. */
const IDS = [" ", "A", "a", "a\u0001", "aa", "a𝄞", "b", "é", "\ue000", "\uffff", "𝄞", "𝄞a"];

async function create(service: TestService, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 50) {
    const responses = ids
      .slice(at, at + 50)
      .map((id) => call(service, service.tokens.create, { body: { id } }));
    for (const response of await Promise.all(responses)) expectStatus(response, 201);
  }
}

async function query(service: TestService, asked: Readonly<Record<string, string>>) {
  const path = `/?${new URLSearchParams(asked).toString()}`;
  const { membranes, completed } = expectStatus(
    await call(service, service.tokens.query, { path }),
    200,
  ).json;
  return { ids: membranes.map(({ id }: { id: string }) => id) as string[], completed: completed as boolean };
}

test("membranes are listed in the order of their ids' UTF-8 bytes, whatever the order of their creation", async () => {
  await using service = await startTestService();
  await create(service, IDS.toReversed());
  expect(await query(service, { limit: "100" })).toEqual({ ids: IDS, completed: true });
});

test("a client that continues after the last id of each page gets each membrane once, for any page size", async () => {
  await using service = await startTestService();
  await create(service, IDS);
  for (const limit of [1, 2, 5, IDS.length, 1000]) {
    const seen: string[] = [];
    let page = await query(service, { limit: String(limit) });
    while (!page.completed) {
      expect(page.ids).toHaveLength(limit);
      seen.push(...page.ids);
      page = await query(service, { limit: String(limit), lastId: page.ids.at(-1)! });
    }
    seen.push(...page.ids);
    expect(seen, `limit ${limit}`).toEqual(IDS);
  }
});

test("the page after an id does not include it, and the id need not exist", async () => {
  await using service = await startTestService();
  await create(service, IDS);
  for (const [index, lastId] of IDS.entries()) {
    const rest = IDS.slice(index + 1);
    expect(await query(service, { lastId, limit: "100" })).toEqual({ ids: rest, completed: true });
  }
  expect((await query(service, { lastId: "aZ", limit: "1" })).ids).toEqual(["aa"]);
  expect(await query(service, { lastId: "𝄞b", limit: "1" })).toEqual({ ids: [], completed: true });
});

test("completed says whether this is the last page, not whether the page is full", async () => {
  await using service = await startTestService();
  await create(service, ["a", "b", "c"]);
  expect(await query(service, { limit: "2" })).toEqual({ ids: ["a", "b"], completed: false });
  expect(await query(service, { limit: "3" })).toEqual({ ids: ["a", "b", "c"], completed: true });
  expect(await query(service, { limit: "1", lastId: "b" })).toEqual({ ids: ["c"], completed: true });
});

test("without a limit a page has one membrane, and without membranes the list is empty", async () => {
  await using service = await startTestService();
  expect(await query(service, {})).toEqual({ ids: [], completed: true });
  await create(service, ["a", "b"]);
  expect(await query(service, {})).toEqual({ ids: ["a"], completed: false });
});

test("a query with an id lists only that membrane; for an unknown id the list is empty", async () => {
  await using service = await startTestService();
  await create(service, IDS);
  for (const id of IDS) expect(await query(service, { id })).toEqual({ ids: [id], completed: true });
  for (const id of ["B", "e\u0301", "a ", "aab"])
    expect(await query(service, { id })).toEqual({ ids: [], completed: true });
});

test("a limit over 1000 means 1000", async () => {
  await using service = await startTestService();
  await create(
    service,
    Array.from({ length: 1_001 }, (_, index) => String(index).padStart(5, "0")),
  );
  for (const limit of ["1000", "1001", "99999999999999999999"]) {
    const page = await query(service, { limit });
    expect([page.ids.length, page.ids.at(-1), page.completed]).toEqual([1_000, "00999", false]);
  }
  expect(await query(service, { lastId: "00999", limit: "1000" })).toEqual({
    ids: ["01000"],
    completed: true,
  });
});

test("empty, repeated and unknown query keys are a 400 that names the key and not its value", async () => {
  await using service = await startTestService();
  const wrong: Readonly<Record<string, readonly string[]>> = {
    limit: [
      "limit=0",
      "limit=-1",
      "limit=1.5",
      "limit=",
      "limit",
      "limit=canary",
      "limit=1&limit=2",
      "limit=%ff",
      "limit=0x10",
    ],
    id: ["id=", "id", "id=a&id=b", "id=%00", "id=%ed%a0%b4", `id=${"a".repeat(513)}`],
    lastId: ["lastId=", "lastId=canary%00", "lastId=%ff"],
    Id: ["Id=canary"],
    x: ["limit=1&x=canary"],
    query: ["%ff=canary"],
  };
  for (const [key, searches] of Object.entries(wrong)) {
    for (const search of searches) {
      const response = await call(service, service.tokens.query, { path: `/?${search}` });
      expect(response.status, search).toBe(400);
      expect(response.json.message, search).toMatch(new RegExp(`^${key}: expected `));
      expect(response.text).not.toContain("canary");
    }
  }
});

test("an invocation gets its response while a query of many membranes runs, and not after it", async () => {
  await using service = await startTestService();
  await using target = await startStreamingTarget((_request, response) => void response.end("ok"));
  const ids = Array.from({ length: 400 }, (_, index) => `m${index}`);
  await create(service, ids);
  const { token } = await exportTarget(service, { uri: target.url });
  expectStatus(await call(service, token), 200);
  const responded: string[] = [];
  await Promise.all([
    query(service, { limit: "1000" }).then(() => responded.push("query")),
    call(service, token).then(() => responded.push("invocation")),
  ]);
  expect(responded).toEqual(["invocation", "query"]);
});

test("a tenant that requests more pages at once than may wait is refused some, and other tenants get theirs", async () => {
  await using service = await startTestService({ limits: { maxWaitingPagesPerTenant: 128 } });
  await create(
    service,
    Array.from({ length: 200 }, (_, index) => `m${index}`),
  );
  const other = expectStatus(await call(service, service.tokens.provision, { body: { id: "other" } }), 201);
  const many = Array.from({ length: 300 }, () =>
    call(service, service.tokens.query, { path: "/?limit=1000" }),
  );
  const theirs = call(service, tokenOf(other.json.capabilities.query));
  const statuses = (await Promise.all(many)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect((await theirs).status).toBe(200);
});
