import type { Uid } from "../../service/src/domain/uid.ts";
import type { WriteSnapshot } from "../../service/src/store/engine.ts";
import { isNamed, nameOf } from "../../service/src/store/named-record.ts";
import type { StoredRecord } from "../../service/src/store/record.ts";

/**
 * Makes a snapshot of records in memory, in which each tenant and membrane has its name, and nothing is counted or queued.
 *
 * @param reads further contents of the snapshot.
 */
export function memorySnapshot(
  records: readonly StoredRecord[],
  reads: Partial<WriteSnapshot> = {},
): WriteSnapshot {
  const byUid = new Map<Uid, StoredRecord>(records.map((record) => [record.uid, record]));
  const named = records
    .filter(isNamed)
    .map((record) => Object.assign(nameOf(record), { holder: record.uid }))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const isAfter = (name: string, after: string | undefined): boolean =>
    after === undefined || Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0;
  return {
    position: () => ({ log: "memory", sequence: 0n }),
    record: (uid) => byUid.get(uid),
    capability: (lookupId) =>
      records.filter((record) => record.type === "capability").find((one) => one.lookupId.equals(lookupId)),
    holderOf: ({ owner, name }) => named.find((held) => held.owner === owner && held.name === name)?.holder,
    names: ({ owner, after, limit }) =>
      named.filter((held) => held.owner === owner && isAfter(held.name, after)).slice(0, limit),
    uses: () => undefined,
    dependents: () => [],
    countOwned: () => 0,
    storedBytes: () => 0,
    sweepEntries: () => [],
    expired: () => [],
    ...reads,
  };
}
