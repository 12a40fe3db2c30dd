import type { Dependency } from "../../domain/lineage.ts";
import type { Quota } from "../../domain/quota.ts";
import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import type { OwnedName } from "../engine.ts";
import { StoreCorruptError } from "../store.ts";
import { numberColumn } from "./columns.ts";

/* The keys of rows, which their MACs cover. They are the same in every engine, so that a row can be copied from one to another. */

const UID_BYTES = 16;

export function nameKey({ owner, name }: OwnedName): Buffer {
  return Buffer.concat([uidBytes(owner ?? SERVICE_OWNER), Buffer.from(name, "utf8")]);
}

export function nameOfKey(key: Buffer): string {
  return key.toString("utf8", UID_BYTES);
}

/** Steps that ignore a revoked resource sort after the others, so that a sweep can leave them out. */
export function childKey({ to, ignoresRevocation }: Dependency, child: Uid): Buffer {
  return Buffer.concat([uidBytes(to), Buffer.from([ignoresRevocation ? 1 : 0]), uidBytes(child)]);
}

export function childOfKey(key: Buffer): { readonly child: Uid; readonly ignoresRevocation: boolean } {
  return {
    child: parseUid(key.toString("hex", UID_BYTES + 1)),
    ignoresRevocation: key[UID_BYTES] === 1,
  };
}

const OWN_CAPABILITIES_SUFFIX = Buffer.from([1]);
const BYTES_SUFFIX = Buffer.from([2]);
const USES_SUFFIX = Buffer.from([3]);

/** A tenant has two counts; that of its membranes has the key without a suffix. */
export function countKey({ owner, kind }: Quota): Buffer {
  const key = uidBytes(owner);
  return kind === "ownCapabilities" ? Buffer.concat([key, OWN_CAPABILITIES_SUFFIX]) : key;
}

export function bytesKey(owner: Uid): Buffer {
  return Buffer.concat([uidBytes(owner), BYTES_SUFFIX]);
}

export function usesKey(capability: Uid): Buffer {
  return Buffer.concat([uidBytes(capability), USES_SUFFIX]);
}

/** The first key after all entries of the sweep's queue: a program that knows of no expiry reads only as far as those. */
export const EXPIRY_PREFIX: Buffer = Buffer.alloc(UID_BYTES + 1, 0xff);
const TIME_BYTES = 8;

/** Ordered by time. */
export function expiryKey(expiresAt: number, uid: Uid): Buffer {
  return Buffer.concat([EXPIRY_PREFIX, numberColumn(expiresAt), uidBytes(uid)]);
}

export function expiryOfKey(key: Buffer): { readonly uid: Uid; readonly expiresAt: number } {
  return {
    uid: parseUid(key.toString("hex", EXPIRY_PREFIX.length + TIME_BYTES)),
    expiresAt: Number(key.readBigUInt64BE(EXPIRY_PREFIX.length)),
  };
}

export const ROOT_MARK: Buffer = Buffer.from([1]);
export const DEPENDENT_MARK: Buffer = Buffer.from([0]);

/** The uid that an index row leads to, in its first column. */
export function indexTarget(columns: readonly Buffer[]): Uid {
  const [uid] = columns;
  if (uid === undefined) throw new StoreCorruptError("an index row leads nowhere");
  return parseUid(uid.toString("hex"));
}
