import { hash, hkdfSync, timingSafeEqual } from "node:crypto";
import type { CapabilityToken, Result } from "capability-protocol";
import { err, ok, tokenBytes } from "capability-protocol";
import type { Hmac } from "capability-protocol/signers";
import { prepareHmac } from "capability-protocol/signers";

/** Length of a service key in bytes. */
export const SERVICE_KEY_BYTES = 32;

/**
 * How many service keys a store may need at once. A token that is presented is looked up under each of them, so that this limits the
 * work that an unknown token causes.
 */
export const MAX_KEYS_IN_USE = 4;

const LOOKUP_ID_BYTES = 32;
const KEY_ID_BYTES = 4;

/** What a presented token turns into: where its record is, and the key that opens it. */
export interface TokenKeys {
  readonly lookupId: Buffer;
  readonly sealingKey: Buffer;
}

/** What a store says of a service key that it needs. The key itself is never in it. */
export interface NamedKey {
  /** Counts replacements of the service key, from 1; stored with every lookup id that it made. */
  readonly keyVersion: number;
  /** Derived from the key, so that a wrong key stops the start. */
  readonly checkValue: Buffer;
}

/**
 * All that is derived from one service key. The key itself never leaves this object: a full copy of the store opens nothing without
 * it, and it opens nothing without a token.
 */
export interface ServiceKey extends NamedKey {
  deriveTokenKeys(token: CapabilityToken): TokenKeys;
  /** The MAC that every row carries over all its columns. */
  rowMac(row: Uint8Array): Buffer;
  verifyRowMac(row: Uint8Array, mac: Uint8Array): boolean;
  /** The MAC of a line of the audit trail, which covers the MAC of the line before it. */
  auditMac(previous: Uint8Array, line: Uint8Array): Buffer;
}

/** A line of the service key file. */
export interface FileKey {
  readonly serviceKey: Buffer;
  /** A rotation has replaced it: older tokens are looked up with it, and no store is opened whose rows are under it. */
  readonly isRetired: boolean;
}

/** Why the keys of a service key file do not open a store. */
export type KeyDenial =
  | { readonly reason: "missing"; readonly key: NamedKey }
  /** The rows are under it. `line` is the one that says so, from 1. */
  | { readonly reason: "retired"; readonly key: NamedKey; readonly line: number };

/** The service keys of a store: the newest, which everything new uses, and those that older tokens still need. */
export interface ServiceKeys extends ServiceKey {
  /** Newest first. Only lookup ids and what is sealed under tokens depend on them, and no row's MAC does. */
  readonly older: readonly ServiceKey[];
  /** Lines of the service key file before that of the newest key which are not marked as retired, from 1. */
  readonly unretiredLines: readonly number[];
  /** Whether the service key file has a key after the newest one of the store. */
  readonly hasNewerLine: boolean;
  /**
   * Picks the keys that a store names, newest first, from all that there are.
   *
   * @returns as an error the newest of them that is missing, or the first one if it is retired: who has stolen it can write rows.
   */
  ofStore(named: readonly NamedKey[]): Result<ServiceKeys, KeyDenial>;
}

/**
 * The keys of a service key file. As long as no store says which of them it needs, the last one is used, as in a new store.
 *
 * @param fileKeys at least one, the newest last, which is not retired.
 * @throws RangeError if one is not {@link SERVICE_KEY_BYTES} long, there is none, or the last one is retired.
 */
export function createKeyring(fileKeys: readonly FileKey[]): ServiceKeys {
  const newest = fileKeys.at(-1);
  if (newest === undefined || newest.isRetired)
    throw new RangeError("a service has at least one key, of which the last is not retired");
  const ofStore: ServiceKeys["ofStore"] = (named) => {
    const keys: ServiceKey[] = [];
    for (const key of named) {
      const found = fileKeys[lineOf(fileKeys, key) - 1];
      if (found === undefined) return err({ reason: "missing", key });
      if (found.isRetired && keys.length === 0)
        return err({ reason: "retired", key, line: lineOf(fileKeys, key) });
      keys.push(createServiceKey(found.serviceKey, key.keyVersion));
    }
    const [first, ...older] = keys;
    if (first === undefined) throw new RangeError("a store names at least one key");
    return ok({
      ...first,
      older,
      unretiredLines: unretiredLines(fileKeys, first),
      hasNewerLine: lineOf(fileKeys, first) < fileKeys.length,
      ofStore,
    });
  };
  const first = createServiceKey(newest.serviceKey, 1);
  const unretired = unretiredLines(fileKeys, first);
  return { ...first, older: [], unretiredLines: unretired, hasNewerLine: false, ofStore };
}

/** The keys of a service with one key. @throws RangeError if `serviceKey` is not {@link SERVICE_KEY_BYTES} long. */
export function createServiceKeys(serviceKey: Uint8Array): ServiceKeys {
  return createKeyring([{ serviceKey: Buffer.from(serviceKey), isRetired: false }]);
}

/** The lines of a service key file before that of the key in use which are not marked as retired, from 1. */
export function unretiredLines(
  fileKeys: readonly FileKey[],
  inUse: Pick<NamedKey, "checkValue">,
): readonly number[] {
  const end = lineOf(fileKeys, inUse);
  return fileKeys.flatMap(({ isRetired }, at) => (at + 1 < end && !isRetired ? [at + 1] : []));
}

/** From 1; 0: the file does not have the key. */
function lineOf(fileKeys: readonly FileKey[], { checkValue }: Pick<NamedKey, "checkValue">): number {
  return fileKeys.findIndex(({ serviceKey }) => checkValueOf(serviceKey).equals(checkValue)) + 1;
}

/** A name of a key for people, 8 hex digits: it tells keys apart, and is no secret. */
export function keyId({ checkValue }: Pick<NamedKey, "checkValue">): string {
  return checkValue.toString("hex", 0, KEY_ID_BYTES);
}

/** What a store would name a key by. */
export function checkValueOf(serviceKey: Uint8Array): Buffer {
  if (serviceKey.length !== SERVICE_KEY_BYTES)
    throw new RangeError(`a service key has ${SERVICE_KEY_BYTES} bytes`);
  return deriveKey(serviceKey, "check value/1");
}

function createServiceKey(serviceKey: Uint8Array, keyVersion: number): ServiceKey {
  const checkValue = checkValueOf(serviceKey);
  const tokenHmac = toBuffer(prepareHmac(hash, "sha512", serviceKey));
  const rowMac = toBuffer(prepareHmac(hash, "sha256", deriveKey(serviceKey, "row mac/1")));
  const auditMac = toBuffer(prepareHmac(hash, "sha256", deriveKey(serviceKey, "audit mac/1")));
  return {
    keyVersion,
    checkValue,
    deriveTokenKeys(token) {
      const digest = tokenHmac(Buffer.concat([TOKEN_LABEL, tokenBytes(token)]));
      return { lookupId: digest.subarray(0, LOOKUP_ID_BYTES), sealingKey: digest.subarray(LOOKUP_ID_BYTES) };
    },
    rowMac,
    verifyRowMac: (row, mac) => {
      const expected = rowMac(row);
      return mac.length === expected.length && timingSafeEqual(mac, expected);
    },
    auditMac: (previous, line) => auditMac(Buffer.concat([previous, line])),
  };
}

const TOKEN_LABEL = Buffer.from("capability/1");

function toBuffer(hmac: Hmac): (message: Uint8Array) => Buffer {
  return (message) => Buffer.from(hmac(message, "binary"), "latin1");
}

/** HKDF-SHA-256 (RFC 5869) without salt, 32 bytes; every use has a separate label. */
function deriveKey(serviceKey: Uint8Array, label: string): Buffer {
  return Buffer.from(hkdfSync("sha256", serviceKey, Buffer.alloc(0), label, 32));
}
