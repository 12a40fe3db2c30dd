import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { CapabilityToken } from "capability-protocol";
import { tokenBytes } from "capability-protocol";

/** Length of a service key in bytes. */
export const SERVICE_KEY_BYTES = 32;

const LOOKUP_ID_BYTES = 32;

/** What a presented token turns into: where its record is, and the key that opens it. */
export interface TokenKeys {
  readonly lookupId: Buffer;
  readonly sealingKey: Buffer;
}

/**
 * All that is derived from the service key. The key itself never leaves this object: a full copy of the store opens
 * nothing without it, and it opens nothing without a token.
 */
export interface ServiceKeys {
  /** Counts replacements of the service key; stored with every lookup id that it made. */
  readonly keyVersion: number;
  /** Kept in the store, so that a wrong key stops the start. */
  readonly checkValue: Buffer;
  deriveTokenKeys(token: CapabilityToken): TokenKeys;
  /** The MAC that every row carries over all its columns. */
  rowMac(row: Uint8Array): Buffer;
  verifyRowMac(row: Uint8Array, mac: Uint8Array): boolean;
}

/** @throws RangeError if `serviceKey` is not {@link SERVICE_KEY_BYTES} long. */
export function createServiceKeys(serviceKey: Uint8Array): ServiceKeys {
  if (serviceKey.length !== SERVICE_KEY_BYTES) {
    throw new RangeError(`a service key has ${SERVICE_KEY_BYTES} bytes`);
  }
  const macKey = deriveKey(serviceKey, "row mac/1");
  const rowMac = (row: Uint8Array): Buffer => createHmac("sha256", macKey).update(row).digest();
  return {
    keyVersion: 1,
    checkValue: deriveKey(serviceKey, "check value/1"),
    deriveTokenKeys(token) {
      const digest = createHmac("sha512", serviceKey)
        .update("capability/1")
        .update(tokenBytes(token))
        .digest();
      return { lookupId: digest.subarray(0, LOOKUP_ID_BYTES), sealingKey: digest.subarray(LOOKUP_ID_BYTES) };
    },
    rowMac,
    verifyRowMac: (row, mac) => {
      const expected = rowMac(row);
      return mac.length === expected.length && timingSafeEqual(mac, expected);
    },
  };
}

/** HKDF-SHA-256 (RFC 5869) without salt, 32 bytes; every use has a separate label. */
function deriveKey(serviceKey: Uint8Array, label: string): Buffer {
  return Buffer.from(hkdfSync("sha256", serviceKey, Buffer.alloc(0), label, 32));
}
