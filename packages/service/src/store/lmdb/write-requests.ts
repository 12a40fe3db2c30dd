import type { Capability } from "../../domain/capability.ts";
import { storageOwners } from "../../domain/storage-owners.ts";
import type { Uid } from "../../domain/uid.ts";
import type { StoredRecord } from "../record.ts";
import type { WriteRequest } from "./writer.ts";

/** Root pages, branch pages and the lists of free pages, in bytes. */
const LEAST_NEED = 128 * 1024;

/** A record has up to eight rows, on a page each. */
const NEED_PER_RECORD = 32 * 1024;

/** One more turn for each of so many sealed bytes, so that a commit of 32 turns writes about a megabyte. */
const TURN_BYTES = 32 * 1024;

export const SWEEPING: WriteRequest = {
  class: "sweep",
  owner: { tenant: "", capability: "" },
  turns: 1,
  need: 4 * LEAST_NEED,
};

/** Decides in whose turn a write is, and how much space it may take. */
export interface WriteRequests {
  /** @param by in whose turn; default: that of the capability that made the first of the records. */
  creating(records: readonly StoredRecord[], by?: Capability): WriteRequest;
  revoking(root: Uid, by: Uid | "operator"): WriteRequest;
}

export function createWriteRequests(get: (uid: Uid) => StoredRecord | undefined): WriteRequests {
  return {
    creating(records, by) {
      const made = new Map(records.map((record) => [record.uid, record]));
      const find = (uid: Uid): StoredRecord | undefined => made.get(uid) ?? get(uid);
      const sources = by === undefined ? records : [by];
      const tenants = sources.map((record) => storageOwners(record, find).tenant);
      // A tenant that is being made has no turns yet: it is made in the turn of its maker.
      const tenant = tenants.find((uid) => uid !== undefined && !made.has(uid)) ?? "";
      const madeWith = records.find((record) => record.madeWith !== undefined)?.madeWith;
      return {
        class: "create",
        owner: { tenant, capability: by?.uid ?? madeWith ?? "" },
        turns: 1 + Math.floor(records.reduce(addSealed, 0) / TURN_BYTES),
        need: records.reduce(addNeed, LEAST_NEED),
      };
    },
    revoking(root, by) {
      const record = get(root);
      const tenant = record?.type === "membrane" ? record.tenant : root;
      return { class: "revoke", owner: { tenant, capability: by }, turns: 1, need: LEAST_NEED };
    },
  };
}

function addNeed(need: number, record: StoredRecord): number {
  return addSealed(need + NEED_PER_RECORD, record);
}

function addSealed(sum: number, record: StoredRecord): number {
  return "sealed" in record ? sum + record.sealed.length : sum;
}
