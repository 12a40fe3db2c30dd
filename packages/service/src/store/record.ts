import type { Capability } from "../domain/capability.ts";
import type { Membrane } from "../domain/membrane.ts";
import type { Target } from "../domain/target.ts";
import type { Tenant } from "../domain/tenant.ts";
import { encodeColumns, optionalColumn, textColumn } from "./columns.ts";

/** Version of all records and of what is bound to their sealed payloads. A newer program upgrades, an older one refuses. */
export const FORMAT_VERSION = 1;

/** A tenant as stored. What its membranes hold for it is sealed to `publicKey` (X25519). */
export interface StoredTenant extends Tenant {
  readonly publicKey: Buffer;
}

/** A membrane as stored: its own `export` and `revoke` tokens are sealed to the public key that its tenant had then. */
export interface StoredMembrane extends Membrane {
  readonly recipientKey: Buffer;
  readonly sealed: Buffer;
}

/** A target as stored: its configuration is sealed under a data key of its own. */
export interface StoredTarget extends Target {
  readonly sealed: Buffer;
}

/** A capability as stored: its payload (a data key, a private key, or nothing) is sealed under its token. */
export interface StoredCapability extends Capability {
  readonly lookupId: Buffer;
  readonly sealed: Buffer;
}

export type StoredRecord = StoredTenant | StoredMembrane | StoredTarget | StoredCapability;

/**
 * What is bound to a sealed payload: the record's type, format version and every clear column that never changes, so
 * that a payload moved to another row does not open. (`revoked` changes, and a lookup id does when the service key is
 * replaced; the MAC of the row covers both.)
 */
export function associatedData(
  record: Capability | Target | (Membrane & { readonly recipientKey: Uint8Array }),
): Buffer {
  const head = [textColumn(record.type), Buffer.from([FORMAT_VERSION]), optionalColumn(record.uid, "hex")];
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
      ]);
  }
}
