import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import type { RecordedChange } from "../domain/change.ts";
import { parseUid } from "../domain/uid.ts";
import { StoreBusyError, StoreFullError } from "../store/store.ts";
import { openTestStore } from "../../../testkit/src/store.ts";
import { createChanges } from "./changes.ts";

const OPERATOR = { kind: "operator", command: "test" } as const;

test("a change is recorded once it has been made; a denied one and a read are not", async () => {
  await using store = await openTestStore();
  const changes: RecordedChange[] = [];
  const { create, countRead, revoke, rekeyTenant } = createChanges(
    store.store,
    (change) => void changes.push(change),
  );
  const { record, export: exporting } = await store.membrane("m");
  const late = { ...exporting, uid: parseUid("f".repeat(32)), lookupId: Buffer.alloc(32, 7) };
  const root = { tenant: store.tenant.uid, membrane: record.uid };
  const by = { kind: "capability", capability: store.create.uid, requestId: "r-1" } as const;

  expect(await rekeyTenant(OPERATOR, store.tenant.uid, Buffer.alloc(32, 1), [])).toEqual(ok(undefined));
  expect(await revoke(OPERATOR, root)).toEqual(ok(undefined));
  expect(await create(by, [late])).toEqual({ ok: false, error: { reason: expect.any(String) } });
  expect(await countRead(store.create, undefined)).toEqual(ok(undefined));
  expect(changes).toEqual([
    { action: "rekey", actor: OPERATOR, outcome: "done", tenant: store.tenant.uid, capabilities: [] },
    { action: "revoke", actor: OPERATOR, outcome: "done", ...root, capabilities: [] },
  ]);
});

test("a write that is not acknowledged is recorded as unknown, one without room is not recorded", async () => {
  await using store = await openTestStore();
  const changes: RecordedChange[] = [];
  const failing = (cause: Error) =>
    createChanges(
      { ...store.store, revoke: () => Promise.reject(cause) },
      (change) => void changes.push(change),
    );
  const root = { tenant: store.tenant.uid };
  await expect(failing(new StoreBusyError("late")).revoke(OPERATOR, root)).rejects.toThrow("late");
  await expect(failing(new StoreFullError("full")).revoke(OPERATOR, root)).rejects.toThrow("full");
  expect(changes).toMatchObject([{ action: "revoke", outcome: "unknown", tenant: store.tenant.uid }]);
});

test("no other module writes to a store: every create, revoke and rekey is recorded", async () => {
  const source = join(import.meta.dirname, "..");
  const paths = (await readdir(source, { recursive: true })).filter(
    (path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.startsWith("store/"),
  );
  const writers: string[] = [];
  for (const path of paths) {
    const text = await readFile(join(source, path), "utf8");
    if (WRITES.test(text)) writers.push(path);
  }
  expect(paths).toContain("commands/tenant.ts");
  expect(writers).toEqual(["management/changes.ts"]);
});

/** A call on anything that is named a store, or a method taken out of one. */
const WRITES =
  /\bstore\s*\??\.\s*(?:create|revoke|rekeyTenant)\b|\{[^{}]*\b(?:create|revoke|rekeyTenant)\b[^{}]*\}\s*=\s*[\w.]*\bstore\b/;
