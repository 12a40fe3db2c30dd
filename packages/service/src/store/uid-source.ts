import { hash } from "node:crypto";
import type { Uid } from "../domain/uid.ts";
import { newUid, parseUid, uidBytes } from "../domain/uid.ts";

/**
 * Draws uids. Those of records that are read and written together begin with the same random bytes, so that their rows are on the
 * same pages of the store. They show nothing that the records do not: which of them act on the same record, or have the same owner.
 */
export interface UidSource {
  /** All bytes are random. */
  next(): Uid;
  /** Begins as those that were drawn for the same owner shortly before; for another owner, or later, as no other. */
  nextOf(owner: Uid): Uid;
  /** Begins as `uid`. */
  near(uid: Uid): Uid;
}

/** The first half is shared. The other half is random: of a million uids that share one, two are the same once in 37 million times. */
const UID_BYTES = 16;
const SHARED_BYTES = 8;

/** After so many uids, others begin otherwise: the rows of so many records take a few pages. */
const UIDS_IN_BURST = 32;

const SALT_BYTES = 32;
const BURST_BYTES = 8;

export function createUidSource(random: (size: number) => Uint8Array): UidSource {
  // Without it, which is in no store, nothing shows which owners had uids in the same burst.
  const salt = random(SALT_BYTES);
  let drawn = 0;
  const beginningAs = (hex: string): Uid =>
    parseUid(hex.slice(0, 2 * SHARED_BYTES) + Buffer.from(random(UID_BYTES - SHARED_BYTES)).toString("hex"));
  return {
    next: () => newUid(random),
    nextOf(owner) {
      const burst = Buffer.alloc(BURST_BYTES);
      burst.writeDoubleBE(Math.floor(drawn / UIDS_IN_BURST));
      drawn += 1;
      return beginningAs(hash("sha256", Buffer.concat([salt, burst, uidBytes(owner)])));
    },
    near: beginningAs,
  };
}
