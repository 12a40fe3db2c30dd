import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import type { AuditHead } from "../../domain/audit-head.ts";
import { RECORD_VERSIONS } from "../record.ts";

const WRITER = "ab".repeat(16);

function head(sequence: number, writer = WRITER): AuditHead {
  return { writer, sequence, mac: randomBytes(32), time: 1_000 + sequence, startedAt: 1_000 };
}

async function heads({ store }: TestStore): Promise<readonly AuditHead[]> {
  const { heads: all, damaged } = await store.auditHeads();
  expect(damaged).toBe(0);
  return all;
}

test.each(ENGINE_NAMES)(
  "over %s, the head of a writer moves with each change, and only forward",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    const { store, tenant } = at;
    expect(await heads(at)).toEqual([]);
    const [first, second, third, fourth] = [head(1), head(2), head(5), head(6)];
    const record = { ...at.create, uid: at.newUid(), lookupId: randomBytes(32) };
    expect(await store.create([record], { auditHead: first })).toMatchObject({ ok: true });
    expect(await heads(at)).toEqual([first]);
    await store.moveAuditHead(second);
    expect(await heads(at)).toEqual([second]);
    const capability = { ...record, uid: at.newUid(), lookupId: randomBytes(32) };
    expect(await store.rekeyTenant(tenant.uid, randomBytes(32), [capability], third)).toMatchObject({
      ok: true,
    });
    expect(await heads(at)).toEqual([third]);
    expect(await store.revoke(tenant.uid, "operator", fourth)).toMatchObject({ ok: true });
    expect(await heads(at)).toEqual([fourth]);
    // A later commit of an earlier line: the latest one counts.
    await store.moveAuditHead(third);
    const latest = Math.max(...(await heads(at)).map(({ sequence }) => sequence));
    expect(latest).toBe(6);
    await store.moveAuditHead(head(9));
    expect((await heads(at)).map(({ sequence }) => sequence)).toEqual([9]);
  },
);

test.each(ENGINE_NAMES)(
  "over %s, each writer has a head, that of another one is dropped by name, and all stay",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    const [mine, other, old] = [head(3), head(4, "cd".repeat(16)), head(7, "ff".repeat(16))];
    for (const each of [mine, other, old]) await at.store.moveAuditHead(each);
    expect(new Set(await heads(at))).toEqual(new Set([mine, other, old]));
    const next = head(8);
    await at.store.moveAuditHead(next, [old]);
    expect(new Set(await heads(at))).toEqual(new Set([next, other]));
    await at.reopen();
    expect(new Set(await heads(at))).toEqual(new Set([next, other]));
  },
);

test.each(ENGINE_NAMES)(
  "over %s, a head that was changed is counted, and stops no revoke",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    await at.store.moveAuditHead(head(3));
    await using raw = await at.openRaw();
    const row = (await raw.rows("meta")).find(({ key }) => key.toString("latin1").startsWith("audit"))!;
    const changed = Buffer.from(row.value);
    changed[10]! ^= 1;
    await raw.write("meta", row.key, changed);
    expect(await at.store.auditHeads()).toEqual({ heads: [], damaged: 1 });
    const after = head(4);
    expect(await at.store.revoke(at.tenant.uid, "operator", after)).toMatchObject({ ok: true });
    expect(await at.store.auditHeads()).toEqual({ heads: [after], damaged: 0 });
  },
);

test.each(ENGINE_NAMES)(
  "over %s, a change that is denied and writes nothing moves no head",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    const counted = await at.capability({ kind: "create", resource: at.tenant.uid }, { isCounted: true });
    const useCounters = [{ uid: counted.uid, maxUses: 0, createdAt: 0 }];
    const membrane = {
      type: "membrane",
      uid: at.newUid(),
      version: RECORD_VERSIONS.membrane,
      tenant: at.tenant.uid,
      name: "m",
      revoked: false,
      createdBy: counted.uid,
      recipientKey: randomBytes(32),
      sealed: Buffer.alloc(0),
    } as const;
    const created = await at.store.create([membrane], { useCounters, auditHead: head(1) });
    expect(created).toMatchObject({ ok: false, error: { reason: "used_up" } });
    expect(await heads(at)).toEqual([]);
  },
);
