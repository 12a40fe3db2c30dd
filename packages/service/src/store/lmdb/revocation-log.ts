import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";
import type { Position, Revocations } from "../revocation-source.ts";
import { StoreCorruptError } from "../store.ts";
import { samePosition } from "../revocation-source.ts";
import { takeFirst } from "./authenticated-table.ts";
import { hasRead } from "./fast-read.ts";
import type { Rows, Table } from "./schema.ts";

/** Key of the row in `meta` that says where the log ends: its random id and the sequence number of the last entry. */
export const HEAD_KEY: Buffer = Buffer.from("log head");

/** How many entries a reader may have missed; past that it drops all that it knows. */
const MAX_ENTRIES = 65_536n;

const SEQUENCE_BYTES = 8;

/** The revocation log: one entry a revoked node, in the order of their commits. */
export interface RevocationLog {
  /** One memory-mapped read when nothing has changed: no MAC, no parsing. */
  head(): Position;
  since(position: Position): Revocations;
  append(uid: Uid): void;
  /** Drops at most `limit` of the entries that no reader needs any more. */
  trim(limit: number): void;
}

export function createRevocationLog(
  metaTable: Table,
  { meta, log }: Pick<Rows, "meta" | "log">,
): RevocationLog {
  let cached: { readonly raw: Buffer; readonly position: Position } | undefined;

  const head = (): Position => {
    const raw = metaTable.getBinaryFast(HEAD_KEY);
    if (cached !== undefined && hasRead(raw, cached.raw)) return cached.position;
    const columns = meta.get(HEAD_KEY);
    const [id, sequence] = columns ?? [];
    if (id === undefined || sequence === undefined)
      throw new StoreCorruptError("the revocation log has no head");
    const position = { log: id.toString("hex"), sequence: sequence.readBigUInt64BE() };
    const current = metaTable.getBinary(HEAD_KEY);
    cached = current === undefined ? undefined : { raw: current, position };
    return position;
  };

  return {
    head,
    since(position) {
      const end = head();
      if (samePosition(position, end)) return { position: end, uids: new Set() };
      const missed = end.sequence - position.sequence;
      if (position.log !== end.log || missed < 0n || missed > MAX_ENTRIES) {
        return { position: end, uids: "everything" };
      }
      const uids = Array.from(
        log.range({ start: entryKey(position.sequence + 1n), end: entryKey(end.sequence + 1n) }),
        ({ columns }) => parseUid(columns[0]?.toString("hex") ?? ""),
      );
      return { position: end, uids: BigInt(uids.length) === missed ? new Set(uids) : "everything" };
    },
    append(uid) {
      const end = head();
      const sequence = end.sequence + 1n;
      log.put(entryKey(sequence), [Buffer.from(uid, "hex")]);
      meta.put(HEAD_KEY, [Buffer.from(end.log, "hex"), entryKey(sequence)]);
    },
    trim(limit) {
      const last = head().sequence - MAX_ENTRIES;
      if (last <= 0n) return;
      for (const key of takeFirst(
        keysOf(log.range({ start: entryKey(0n), end: entryKey(last + 1n) })),
        limit,
      ))
        log.remove(key);
    },
  };
}

function* keysOf(rows: Iterable<{ readonly key: Buffer }>): Iterable<Buffer> {
  for (const { key } of rows) yield key;
}

/** Big-endian, so that the order of the keys is the order of the numbers. */
export function entryKey(sequence: bigint): Buffer {
  const key = Buffer.alloc(SEQUENCE_BYTES);
  key.writeBigUInt64BE(sequence);
  return key;
}
