import type { KeyObject } from "node:crypto";
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from "node:crypto";
import { drawRandomBytes } from "../random-bytes.ts";

declare module "node:crypto" {
  // Node supports this encoding, as `keyObject.export()` does (RFC 8037 §2). Its types lack it.
  function generateKeyPairSync(
    type: "x25519",
    options: { publicKeyEncoding: { format: "jwk" } },
  ): { publicKey: { x: string }; privateKey: KeyObject };
}

/** Length of the keys of {@link seal} and {@link sealForRecipient}, in bytes. */
export const KEY_BYTES = 32;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** DER framing of raw X25519 keys (RFC 8410 §7 and §4): Node reads no raw keys. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

/** What was sealed is not what is there, or the key is not the one it was sealed with. */
export class UnsealError extends Error {
  override readonly name = "UnsealError";
}

/** AES-256-GCM with a random 96-bit nonce: nonce, ciphertext, tag. Opening needs the same associated data. */
export function seal(key: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Buffer {
  const nonce = drawRandomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** @throws UnsealError if the key, the sealed bytes or the associated data are not the same. */
export function unseal(key: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new UnsealError("sealed bytes are cut short");
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    // Checks the tag, and has no more text: GCM has no blocks to fill.
    decipher.final();
    return plaintext;
  } catch (cause) {
    throw new UnsealError("sealed bytes do not open", { cause });
  }
}

/** A new X25519 key pair (RFC 7748), both halves as 32 raw bytes. */
export function generateKeyPair(): { readonly publicKey: Buffer; readonly privateKey: Buffer } {
  const pair = generateKeyPairSync("x25519", {
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "der" },
  });
  return {
    publicKey: stripPrefix(pair.publicKey, SPKI_PREFIX),
    privateKey: stripPrefix(pair.privateKey, PKCS8_PREFIX),
  };
}

/**
 * Seals so that only the holder of the private key opens: an ephemeral X25519 key, HKDF-SHA-256 over the shared secret
 * and both public keys, then {@link seal}. The sealing side cannot open it afterwards.
 */
export function sealForRecipient(
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
): Buffer {
  const { privateKey, publicKey: ephemeralKey } = generateEphemeralKeys();
  const key = deriveSharedKey(privateKey, publicKey, ephemeralKey, publicKey);
  return Buffer.concat([ephemeralKey, seal(key, plaintext, associatedData)]);
}

/**
 * A new key pair for one use. The private key is an object: from its bytes, it is made in ten times the time that it takes to use it.
 *
 * The public key is encoded while the pair is made, and not by `export` later. In Node 20, `export` creates strings while it holds the lock
 * of the key pair. If garbage is collected then, the job that made the pair takes that lock again when it is destroyed, in the same thread,
 * which then waits forever (`~KeyPairGenConfig` in Node's crypto_keygen.h).
 */
function generateEphemeralKeys(): { readonly publicKey: Buffer; readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("x25519", { publicKeyEncoding: { format: "jwk" } });
  return { publicKey: Buffer.from(publicKey.x, "base64url"), privateKey };
}

/** What opens what was sealed to a public key. */
export interface RecipientKeys {
  readonly publicKey: Uint8Array;
  /** 32 bytes, or what {@link importPrivateKey} makes of them. */
  readonly privateKey: Uint8Array | KeyObject;
}

/** A private key as it is used. It is worth keeping: to make it, the public key is computed. */
export function importPrivateKey(bytes: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: "der", type: "pkcs8" });
}

/** @throws UnsealError if the private key is not the recipient's, or anything was changed. */
export function openAsRecipient(keys: RecipientKeys, sealed: Uint8Array, associatedData: Uint8Array): Buffer {
  if (sealed.length < KEY_BYTES) throw new UnsealError("sealed bytes are cut short");
  const ephemeral = sealed.subarray(0, KEY_BYTES);
  const privateKey =
    keys.privateKey instanceof Uint8Array ? importPrivateKey(keys.privateKey) : keys.privateKey;
  return unseal(
    deriveSharedKey(privateKey, ephemeral, ephemeral, keys.publicKey),
    sealed.subarray(KEY_BYTES),
    associatedData,
  );
}

function deriveSharedKey(
  privateKey: KeyObject,
  peer: Uint8Array,
  ephemeral: Uint8Array,
  recipient: Uint8Array,
): Buffer {
  const secret = diffieHellman({ privateKey, publicKey: importPublicKey(peer) });
  const salt = Buffer.concat([ephemeral, recipient]);
  return Buffer.from(hkdfSync("sha256", secret, salt, "sealed to tenant/1", KEY_BYTES));
}

/** As a JSON Web Key (RFC 8037), which Node reads in a tenth of the time that DER takes. */
function importPublicKey(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
}

function stripPrefix(der: Buffer, prefix: Buffer): Buffer {
  return der.subarray(prefix.length);
}
