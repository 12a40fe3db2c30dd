import type { Capability } from "../../domain/capability.ts";
import type { Uid } from "../../domain/uid.ts";
import type { StoredRecord } from "../record.ts";
import { NO_OWNER, ownerOfCreation, ownerOfRevocation } from "../write-owner.ts";
import type { WriteRequest } from "./writer.ts";

/** Root pages, branch pages and the lists of free pages, in bytes. */
const MIN_REQUIRED_BYTES = 128 * 1024;

/** A record has up to eight rows, on a page each. */
const REQUIRED_BYTES_PER_RECORD = 32 * 1024;

/** One more turn for each of so many sealed bytes, so that a commit of 32 turns writes about a megabyte. */
const BYTES_PER_COST = 32 * 1024;

export const SWEEP_REQUEST: WriteRequest = {
  class: "sweep",
  owner: NO_OWNER,
  cost: 1,
  requiredBytes: 4 * MIN_REQUIRED_BYTES,
};

/** Describes a write to the writer: its class, its owner, and how many turns and how much space it may take. */
export interface WriteRequests {
  /** @param actor as in {@link ownerOfCreation}. */
  creating(records: readonly StoredRecord[], actor?: Capability): WriteRequest;
  revoking(root: Uid, actor: Uid | "operator"): WriteRequest;
}

export function createWriteRequests(get: (uid: Uid) => StoredRecord | undefined): WriteRequests {
  return {
    creating: (records, actor) => ({
      class: "create",
      owner: ownerOfCreation(records, get, actor),
      cost: 1 + Math.floor(records.reduce(addSealed, 0) / BYTES_PER_COST),
      requiredBytes: records.reduce(addRequiredBytes, MIN_REQUIRED_BYTES),
    }),
    revoking: (root, actor) => ({
      class: "revoke",
      owner: ownerOfRevocation(root, get, actor),
      cost: 1,
      requiredBytes: MIN_REQUIRED_BYTES,
    }),
  };
}

function addRequiredBytes(requiredBytes: number, record: StoredRecord): number {
  return addSealed(requiredBytes + REQUIRED_BYTES_PER_RECORD, record);
}

function addSealed(sum: number, record: StoredRecord): number {
  return "sealed" in record ? sum + record.sealed.length : sum;
}
