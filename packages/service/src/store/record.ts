import type { Capability } from "../domain/capability.ts";
import type { Membrane } from "../domain/membrane.ts";
import type { Target } from "../domain/target.ts";
import type { Tenant } from "../domain/tenant.ts";
import { encodeColumns, optionalColumn, optionalNumberColumn, textColumn } from "./codec/columns.ts";

/**
 * The newest version of each type. Older versions are read as well (`upgrades/`); a newer one is a `RecordTooNewError`. A new
 * record gets the oldest version that can hold it, so that an older program serves it.
 */
export const RECORD_VERSIONS: Readonly<Record<RecordType, number>> = {
  tenant: 1,
  membrane: 1,
  /** 1: the payload is the JSON body of the export. 2: it has no openings but `allowQuery`, which is not a list. */
  target: 3,
  /** 1: it has neither limits nor a label. */
  capability: 2,
};

export type RecordType = StoredRecord["type"];

/** A record keeps the version that it was written in: a sealed payload is bound to it, and opens only with a token. */
export interface Versioned {
  readonly version: number;
}

/** A tenant as stored. What its membranes hold for it is sealed to `publicKey` (X25519). */
export interface StoredTenant extends Tenant, Versioned {
  readonly publicKey: Buffer;
}

/** A membrane as stored: its own `export` and `revoke` tokens are sealed to the public key that its tenant had then. */
export interface StoredMembrane extends Membrane, Versioned {
  readonly recipientKey: Buffer;
  readonly sealed: Buffer;
}

/** A target as stored: what it says is sealed under a data key that only its capabilities hold. */
export interface StoredTarget extends Target, Versioned {
  readonly sealed: Buffer;
}

/**
 * A capability as stored: its payload (a data key, a private key, or nothing) is sealed under its token, in version 2 with its
 * limits and its label.
 */
export interface StoredCapability extends Capability, Versioned {
  readonly lookupId: Buffer;
  readonly sealed: Buffer;
}

export type StoredRecord = StoredTenant | StoredMembrane | StoredTarget | StoredCapability;

/** What {@link associatedData} is made of. */
export type SealedRecord = Versioned &
  (Capability | Target | (Membrane & { readonly recipientKey: Uint8Array }));

/**
 * What is bound to a sealed payload: the record's type, its version and every clear column that never changes, so that a
 * payload moved to another row does not open. `revoked` and the lookup id can change; the MAC of the row covers both.
 */
export function associatedData(record: SealedRecord): Buffer {
  const head = [textColumn(record.type), Buffer.from([record.version]), optionalColumn(record.uid, "hex")];
  switch (record.type) {
    case "membrane":
      return encodeColumns([
        ...head,
        optionalColumn(record.tenant, "hex"),
        textColumn(record.name),
        optionalColumn(record.createdBy, "hex"),
        record.recipientKey,
      ]);
    case "target":
      return encodeColumns([
        ...head,
        optionalColumn(record.membrane, "hex"),
        optionalColumn(record.createdBy, "hex"),
      ]);
    case "capability":
      return encodeColumns([
        ...head,
        textColumn(record.kind),
        optionalColumn(record.resource, "hex"),
        optionalColumn(record.parent, "hex"),
        optionalColumn(record.membrane, "hex"),
        optionalColumn(record.createdBy, "hex"),
        ...expiryColumns(record),
      ]);
  }
}

/** The column of a capability that its version 1 does not have. */
export function expiryColumns({
  version,
  expiresAt,
}: Versioned & Pick<Capability, "expiresAt">): readonly Buffer[] {
  return version === 1 ? [] : [optionalNumberColumn(expiresAt)];
}
