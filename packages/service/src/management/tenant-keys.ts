import { KEY_BYTES, newKeyPair } from "../store/seal.ts";
import { StoreCorruptError } from "../store/store.ts";

/** The X25519 key pair that opens what a tenant's membranes hold. Only `query` capabilities carry it, sealed under their tokens. */
export interface TenantKeys {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

export function newTenantKeys(): TenantKeys {
  return newKeyPair();
}

/** As the payload of a `query` capability: both keys, private first. */
export function formatTenantKeys(keys: TenantKeys): Buffer {
  return Buffer.concat([keys.privateKey, keys.publicKey]);
}

export function parseTenantKeys(payload: Buffer): TenantKeys {
  if (payload.length !== 2 * KEY_BYTES) throw new StoreCorruptError("a query capability carries no key pair");
  return { privateKey: payload.subarray(0, KEY_BYTES), publicKey: payload.subarray(KEY_BYTES) };
}
