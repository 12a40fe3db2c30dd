import type { RecipientKeys } from "../store/seal.ts";
import { KEY_BYTES, generateKeyPair, importPrivateKey } from "../store/seal.ts";
import { StoreCorruptError } from "../store/store.ts";

/** The X25519 key pair that opens the tokens of a tenant's membranes. Only `query` capabilities carry it, under their own tokens. */
export interface TenantKeys {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

export function newTenantKeys(): TenantKeys {
  return generateKeyPair();
}

/** As the payload of a `query` capability: both keys, private first. */
export function formatTenantKeys(keys: TenantKeys): Buffer {
  return Buffer.concat([keys.privateKey, keys.publicKey]);
}

/** The key pair with an imported private key, made once for all membranes of a page: importing costs more than opening one. */
export interface ParsedTenantKeys extends TenantKeys {
  readonly recipientKeys: RecipientKeys;
}

export function parseTenantKeys(payload: Buffer): ParsedTenantKeys {
  if (payload.length !== 2 * KEY_BYTES) throw new StoreCorruptError("a query capability carries no key pair");
  const privateKey = payload.subarray(0, KEY_BYTES);
  const publicKey = payload.subarray(KEY_BYTES);
  return { privateKey, publicKey, recipientKeys: { publicKey, privateKey: importPrivateKey(privateKey) } };
}
