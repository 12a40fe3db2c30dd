import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { useConnection } from "../../../../testkit/src/postgres-engine.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { NO_OWNER } from "../write-owner.ts";
import { bytesRef } from "./count-ref.ts";
import { loadForRead, loadForWrite } from "./load-statements.ts";

test("what is loaded is found by keys, and no table is read whole, however small it was when the plan was made", async () => {
  await using store = await openPostgresStore();
  const { at, config } = store;
  const request = {
    lookupIds: [randomBytes(32)],
    uids: [at.create.uid],
    names: [{ owner: at.tenant.uid, name: "m" }],
    uses: [at.create.uid],
  };
  const write = { ...request, owner: NO_OWNER, size: { records: 1, sealedBytes: 0 } } as const;
  const statements = [
    loadForRead({ ...request, page: { owner: at.tenant.uid, limit: 10 } }),
    loadForWrite([{ ...write, class: "create" }], [bytesRef(at.tenant.uid)]),
    loadForWrite([{ ...write, class: "sweep", sweep: { limit: 10, expiredBefore: 0 } }], []),
  ];
  for (const { text, parameters } of statements) {
    const rows = await useConnection(config, (connection) =>
      connection.query(`EXPLAIN (COSTS off) ${text}`, parameters),
    );
    const plan = rows.map((row) => String(row["QUERY PLAN"]));
    expect(plan.join("\n")).toMatch(/Index Scan using record_pkey/);
    // The head has one row.
    expect(plan.filter((line) => /(?:Seq Scan on (?!head)|Hash .*Join|Merge .*Join)/.test(line))).toEqual([]);
  }
});
