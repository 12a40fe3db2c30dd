import type { LimitedNode } from "../../domain/limits.ts";
import { ColumnReader } from "./column-reader.ts";
import { decodeColumns, encodeColumns, numberColumn, optionalColumn } from "./columns.ts";
import { decodeLimits, encodeLimits } from "./limits.ts";
import { optionalText, readOptionalText } from "./optional-columns.ts";

/** What the token of a capability opens. */
export interface CapabilityPayload {
  /** The data key of a target, the key pair of a tenant, or nothing. All of the payload in version 1. */
  readonly secret: Buffer;
  /** A note of its exporter. No response contains it. */
  readonly label?: string;
  /** Its own limits first, then those of every capability that it re-exports. */
  readonly limits: readonly LimitedNode[];
}

/** The payload of a capability of version 2, as columns. */
export function encodeCapabilityPayload({
  secret,
  label,
  limits,
}: Omit<CapabilityPayload, "secret"> & { readonly secret: Uint8Array }): Buffer {
  return encodeColumns([secret, optionalText(label), encodeColumns(limits.map(encodeNode))]);
}

/**
 * The inverse of {@link encodeCapabilityPayload}.
 *
 * @returns nothing if a newer program wrote it: it has a column or a limit that this one does not know and cannot check.
 * @throws StoreCorruptError if the bytes are no such payload.
 */
export function decodeCapabilityPayload(bytes: Buffer): CapabilityPayload | undefined {
  const row = new ColumnReader(decodeColumns(bytes));
  const secret = row.bytes();
  const label = readOptionalText(row);
  const limits: LimitedNode[] = [];
  const nodes = row.nested();
  if (!row.isAtEnd()) return undefined;
  while (!nodes.isAtEnd()) {
    const node = decodeNode(nodes.nested());
    if (node === undefined) return undefined;
    limits.push(node);
  }
  return { secret, limits, ...(label === undefined ? {} : { label }) };
}

function encodeNode({ uid, createdAt, limits }: LimitedNode): Buffer {
  return encodeColumns([optionalColumn(uid, "hex"), numberColumn(createdAt), encodeLimits(limits)]);
}

function decodeNode(row: ColumnReader): LimitedNode | undefined {
  const uid = row.uid();
  const createdAt = row.number();
  const limits = decodeLimits(row.nested());
  return limits === undefined || !row.isAtEnd() ? undefined : { uid, createdAt, limits };
}
