import fc from "fast-check";
import { expect, test } from "vitest";
import { memorySnapshot } from "../../../../testkit/src/memory-snapshot.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";
import type { NamePage } from "../engine.ts";
import type { StoredCapability, StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import type { MembranePageRequest } from "../store.ts";
import { firstMembranes, listMembranes, membranePage } from "./list.ts";

const NOTHING = Buffer.alloc(0);
const TENANT: StoredTenant = {
  type: "tenant",
  uid: uidOf(1_000_001),
  version: 1,
  name: "tenant",
  revoked: false,
  publicKey: NOTHING,
};
const CREATE: StoredCapability = {
  type: "capability",
  uid: uidOf(1_000_002),
  version: 1,
  kind: "create",
  resource: TENANT.uid,
  lookupId: NOTHING,
  sealed: NOTHING,
};
/** No record has this uid: what it created is dead. */
const GONE = uidOf(1_000_003);

function uidOf(number: number): Uid {
  return parseUid(number.toString(16).padStart(32, "0"));
}

function membrane(name: string, index: number, isAlive: boolean): StoredMembrane {
  return {
    type: "membrane",
    uid: uidOf(index),
    version: 1,
    tenant: TENANT.uid,
    name,
    revoked: false,
    createdBy: isAlive ? CREATE.uid : GONE,
    recipientKey: NOTHING,
    sealed: NOTHING,
  };
}

/** Reads a page as the store does. @returns its names, and how many names each snapshot had. */
function read(records: readonly StoredRecord[], request: MembranePageRequest) {
  const sizes: number[] = [];
  const snapshot = memorySnapshot([TENANT, CREATE, ...records]);
  const listed: StoredMembrane[] = [];
  for (let page: NamePage | undefined = firstMembranes(TENANT.uid, request); page !== undefined;) {
    sizes.push(page.limit);
    const step = listMembranes(snapshot, page, request, listed.length, 0);
    listed.push(...step.listed);
    page = step.next;
  }
  const { membranes, completed } = membranePage(listed, request.limit);
  return { names: membranes.map(({ name }) => name), completed, sizes };
}

const MEMBRANES = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 3 }), fc.boolean()), {
  selector: ([name]) => name,
  maxLength: 40,
});

test("a page has the membranes that are alive, in order, from the name after the last one, however many are dead", () => {
  const property = fc.property(
    MEMBRANES,
    fc.integer({ min: 1, max: 12 }),
    fc.option(fc.string({ maxLength: 3 }), { nil: undefined }),
    (entries, limit, lastId) => {
      const records = entries.map(([name, isAlive], index) => membrane(name, index, isAlive));
      const after = Buffer.from(lastId ?? "");
      const alive = entries
        .filter(
          ([name, isAlive]) => isAlive && (lastId === undefined || Buffer.from(name).compare(after) > 0),
        )
        .map(([name]) => name)
        .toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)));
      const { names, completed } = read(records, { limit, ...(lastId === undefined ? {} : { lastId }) });
      expect(names).toEqual(alive.slice(0, limit));
      expect(completed).toBe(alive.length <= limit);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("a page of names is one longer than the list, and larger pages follow where most are dead", () => {
  const records = Array.from({ length: 900 }, (_, index) =>
    membrane(`m${String(index).padStart(3, "0")}`, index, index === 0 || index > 897),
  );
  expect(read(records, { limit: 3 })).toEqual({
    names: ["m000", "m898", "m899"],
    completed: true,
    sizes: [4, 8, 16, 32, 64, 128, 256, 256, 256],
  });
});
