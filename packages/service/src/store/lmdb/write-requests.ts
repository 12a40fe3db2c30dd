import type { Capability } from "../../domain/capability.ts";
import type { Uid } from "../../domain/uid.ts";
import type { StoredRecord } from "../record.ts";
import { NO_OWNER, ownerOfCreation, ownerOfRevocation } from "../write-owner.ts";
import type { WriteRequest } from "./writer.ts";

/** Root pages, branch pages and the lists of free pages, in bytes. */
const LEAST_NEED = 128 * 1024;

/** A record has up to eight rows, on a page each. */
const NEED_PER_RECORD = 32 * 1024;

/** One more turn for each of so many sealed bytes, so that a commit of 32 turns writes about a megabyte. */
const TURN_BYTES = 32 * 1024;

export const SWEEPING: WriteRequest = {
  class: "sweep",
  owner: NO_OWNER,
  turns: 1,
  need: 4 * LEAST_NEED,
};

/** Describes a write to the writer: its class, its owner, and how many turns and how much space it may take. */
export interface WriteRequests {
  /** @param by as in {@link ownerOfCreation}. */
  creating(records: readonly StoredRecord[], by?: Capability): WriteRequest;
  revoking(root: Uid, by: Uid | "operator"): WriteRequest;
}

export function createWriteRequests(get: (uid: Uid) => StoredRecord | undefined): WriteRequests {
  return {
    creating: (records, by) => ({
      class: "create",
      owner: ownerOfCreation(records, get, by),
      turns: 1 + Math.floor(records.reduce(addSealed, 0) / TURN_BYTES),
      need: records.reduce(addNeed, LEAST_NEED),
    }),
    revoking: (root, by) => ({
      class: "revoke",
      owner: ownerOfRevocation(root, get, by),
      turns: 1,
      need: LEAST_NEED,
    }),
  };
}

function addNeed(need: number, record: StoredRecord): number {
  return addSealed(need + NEED_PER_RECORD, record);
}

function addSealed(sum: number, record: StoredRecord): number {
  return "sealed" in record ? sum + record.sealed.length : sum;
}
