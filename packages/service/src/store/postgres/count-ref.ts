import type { Quota } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import { StoreCorruptError } from "../store.ts";

const UID_BYTES = 16;

/** What a row of the table `count` counts. */
export type CountKind = 0 | 1 | 2 | 3;

/** A tenant has two counts of records; a membrane and the service have one. */
const RECORDS: CountKind = 0;
const OWN_CAPABILITIES: CountKind = 1;
const BYTES: CountKind = 2;
const USES: CountKind = 3;

/** The key of a row in the table `count`. */
export interface CountRef {
  readonly uid: Uid;
  readonly kind: CountKind;
}

export function quotaRef({ owner, kind }: Quota): CountRef {
  return { uid: owner, kind: kind === "ownCapabilities" ? OWN_CAPABILITIES : RECORDS };
}

export function bytesRef(owner: Uid): CountRef {
  return { uid: owner, kind: BYTES };
}

export function usesRef(capability: Uid): CountRef {
  return { uid: capability, kind: USES };
}

/** @throws StoreCorruptError if the count is of an unknown kind. */
export function countRefOf(uid: Uid, kind: number): CountRef {
  if (!isCountKind(kind)) throw new StoreCorruptError("a count has an unknown kind");
  return { uid, kind };
}

/** The key that the MAC of the row covers: that of the same row in the other engine. */
export function countRowKey({ uid, kind }: CountRef): Buffer {
  return kind === RECORDS ? uidBytes(uid) : Buffer.concat([uidBytes(uid), Buffer.from([kind])]);
}

/**
 * The inverse of {@link countRowKey}.
 *
 * @throws RangeError if a newer program wrote a count of a kind that this one does not know.
 */
export function countRefOfKey(key: Buffer): CountRef {
  const kind = key[UID_BYTES] ?? RECORDS;
  if (key.length > UID_BYTES + 1 || !isCountKind(kind)) throw new RangeError("a count has an unknown kind");
  return { uid: parseUid(key.toString("hex", 0, UID_BYTES)), kind };
}

/** Whether a number is a kind that this program knows: a newer one may have written others. */
function isCountKind(kind: number): kind is CountKind {
  return kind === RECORDS || kind === OWN_CAPABILITIES || kind === BYTES || kind === USES;
}

/** As the key of a Map. */
export function countText({ uid, kind }: CountRef): string {
  return `${uid} ${kind}`;
}

/** Each once. */
export function countsByText(refs: readonly CountRef[]): Map<string, CountRef> {
  return new Map(refs.map((ref) => [countText(ref), ref]));
}
