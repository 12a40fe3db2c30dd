import { decodeRow, encodeRow } from "../codec/authenticated-row.ts";
import { readKeyVersion } from "../codec/key-version.ts";
import type { ServiceKey } from "../keys.ts";
import { skipUnusable } from "../unusable-records.ts";
import type { StoredRow } from "../transfer/stored-rows.ts";
import type { KeyUsage } from "./unused-store.ts";

/**
 * The body of a row with its MAC under another key.
 *
 * @returns nothing for a row that is not what was written: it must not get a right MAC.
 */
export function rewriteRow(
  table: string,
  { key, body }: StoredRow,
  from: ServiceKey,
  to: ServiceKey,
): Buffer | undefined {
  const columns = skipUnusable(() => decodeRow(table, key, body, from));
  return columns === undefined ? undefined : encodeRow(table, key, columns, to);
}

/** The version of the service key that made a lookup id; nothing for a row that is not what was written. */
export function keyVersionOf({ key, body }: StoredRow, keys: ServiceKey): number | undefined {
  return skipUnusable(() => {
    const [, version] = decodeRow("lookups", key, body, keys);
    return version === undefined ? undefined : readKeyVersion(version);
  });
}

/** Counts lookup ids by the service key that made them. */
export function createKeyUsageCount(keys: ServiceKey): {
  readonly usage: KeyUsage;
  add(row: StoredRow): void;
} {
  const usage = new Map<number, number>();
  return {
    usage,
    add(row) {
      const version = keyVersionOf(row, keys);
      if (version !== undefined) usage.set(version, (usage.get(version) ?? 0) + 1);
    },
  };
}
