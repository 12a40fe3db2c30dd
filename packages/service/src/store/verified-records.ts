import type { RecentMapLimits } from "../collections/recent-map.ts";
import { RecentMap } from "../collections/recent-map.ts";
import type { Uid } from "../domain/uid.ts";
import { uidBytes } from "../domain/uid.ts";
import { decodeRow } from "./codec/authenticated-row.ts";
import { decodeRecord } from "./codec/record-codec.ts";
import type { ServiceKeys } from "./keys.ts";
import type { StoredRecord } from "./record.ts";

/** A row that was verified, and its record. */
export interface VerifiedRow {
  readonly row: Buffer;
  readonly record: StoredRecord;
}

/**
 * Reads records from their rows. A row that has the same bytes as when it was verified is not verified and parsed again: the MAC of the
 * same bytes, in the same place, under the same key has the same result. A row is known by the uid that its MAC covers, so that one that
 * was edited, or swapped with another, is another row.
 */
export interface VerifiedRecords {
  /** The row of a record when it was verified last, for an engine that compares it itself. */
  find(uid: Uid): VerifiedRow | undefined;
  /**
   * The record of a row of table `nodes`.
   *
   * @throws StoreCorruptError if the row is not what was written.
   * @throws RecordTooNewError if a newer program wrote the record.
   */
  read(uid: Uid, row: Buffer): StoredRecord;
  /** What it keeps. */
  usage(): RecentMapLimits;
}

/** About as many as the lineages of all that is used at a time have; a half is what was read since the other was full. */
const DEFAULT_LIMITS: RecentMapLimits = { entries: 8_192, bytes: 4 * 1024 * 1024 };

/** Estimated memory of a record with its entry, besides its row. */
const OVERHEAD_BYTES = 512;

/** A longer row is one of a large target, whose sealed bytes take longer to open than to verify. */
const MAX_ROW_BYTES = 4 * 1024;

export function createVerifiedRecords(
  keys: Pick<ServiceKeys, "verifyRowMac">,
  limits: RecentMapLimits = DEFAULT_LIMITS,
): VerifiedRecords {
  const verified = new RecentMap<Uid, VerifiedRow>(limits);
  return {
    find: (uid) => verified.get(uid),
    read(uid, row) {
      const last = verified.get(uid);
      if (last !== undefined && last.row.equals(row)) return last.record;
      const isKept = row.length <= MAX_ROW_BYTES;
      const bytes = isKept ? ownMemory(row) : row;
      const record = decodeRecord(uid, decodeRow("nodes", uidBytes(uid), bytes, keys));
      if (isKept) verified.set(uid, { row: bytes, record }, OVERHEAD_BYTES + row.length);
      return record;
    },
    usage: () => ({ entries: verified.size, bytes: verified.bytes }),
  };
}

/** A driver gives rows that are parts of a larger buffer, which one kept row would keep. */
function ownMemory(row: Buffer): Buffer {
  if (row.buffer.byteLength === row.length) return row;
  const copy = Buffer.allocUnsafeSlow(row.length);
  copy.set(row);
  return copy;
}
