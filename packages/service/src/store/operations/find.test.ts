import { expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import { uidBytes } from "../../domain/uid.ts";
import { createLineageIndex } from "../lineage-index.ts";

test.each(ENGINE_NAMES)(
  "a capability whose resource is gone opens nothing, although its lineage is known, over %s",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    const membrane = await at.membrane("m");
    const through = await at.reexport(membrane.export, membrane);
    const index = createLineageIndex<string>();
    const known = { position: () => position, find: index.find };
    const find = async () => at.store.findBelow(known, through.lookupId);
    const found = await at.store.find(through.lookupId);
    if (found?.verdict.ok !== true) throw new Error("it is alive");
    const { position, verdict } = found;
    index.add(verdict.value.lineage, "resolution");
    expect((await find())?.verdict.ok).toBe(true);

    await using raw = await at.openRaw();
    await raw.write("nodes", uidBytes(membrane.record.uid), undefined);
    expect((await find())?.verdict).toEqual({
      ok: false,
      error: { cause: "missing", at: membrane.record.uid },
    });
  },
);
