import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { StoreFormat } from "../codec/format-row.ts";
import { servedStoreId } from "../codec/format-row.ts";
import type { FileKey, NamedKey } from "../keys.ts";
import { checkValueOf, createServiceKeys, MAX_KEYS_IN_USE, SERVICE_KEY_BYTES } from "../keys.ts";
import type { RewrittenRows, UnusedStore } from "./unused-store.ts";

/** Why no key is added: the store needs as many as it may, of which this is the oldest. */
export interface TooManyKeys {
  readonly oldest: NamedKey;
}

/** Why a key is not dropped. */
export type DropDenial =
  | { readonly reason: "unknown" }
  /** It is the newest one, which everything new uses. */
  | { readonly reason: "in_use" }
  /** As many capabilities would be forgotten, and not as many as were named. */
  | { readonly reason: "other_count"; readonly forgets: number };

export interface Rotated extends RewrittenRows {
  readonly key: NamedKey;
  /** The file had it already, as after a rotation that was ended before the store named it. */
  readonly wasPresent: boolean;
  /** Lines of older keys that are not marked as retired, since that cannot be written. */
  readonly unretiredLines: readonly number[];
}

/** The keys that there are, how one is added, and how older ones are retired. */
export interface KeySource {
  /** The newest last. */
  readonly fileKeys: readonly FileKey[];
  /** Adds a key as the newest. It is on disk when this resolves. */
  add(serviceKey: Uint8Array): Promise<void>;
  /** Resolves when all of them are on disk, whatever program has written them. */
  sync(): Promise<void>;
  /**
   * Marks the keys before the one in use as retired, so that no store opens whose rows are under one of them.
   *
   * @returns as an error the lines that it could not mark.
   */
  retire(inUse: NamedKey): Promise<Result<unknown, { readonly lines: readonly number[] }>>;
}

/**
 * Makes a store use another service key: the last of those that there are, if the store does not know it, or a new one. The key is
 * saved before the store names it, and older ones are retired when it does: before, the store could not be opened with them.
 *
 * @throws StoreFormatError if the store is not served here.
 */
export async function rotateKey(
  store: UnusedStore,
  { fileKeys, add, sync, retire }: KeySource,
  random: (size: number) => Uint8Array,
): Promise<Result<Rotated, TooManyKeys>> {
  const { format } = store;
  servedStoreId(format);
  const [current] = format.keys;
  const oldest = format.keys.at(-1);
  if (current === undefined || oldest === undefined) throw new RangeError("a store names at least one key");
  if (format.keys.length >= MAX_KEYS_IN_USE) return err({ oldest });
  const last = fileKeys.at(-1);
  const wasPresent = last !== undefined && !isNamed(format, last.serviceKey);
  const added = wasPresent ? last.serviceKey : random(SERVICE_KEY_BYTES);
  await (wasPresent ? sync() : add(added));
  const key = { keyVersion: current.keyVersion + 1, checkValue: checkValueOf(added) };
  const next = { ...format, keys: [key, ...format.keys] };
  const rewritten = await store.rewrite(next, createServiceKeys(added));
  const retired = await retire(key);
  return ok({ key, wasPresent, ...rewritten, unretiredLines: retired.ok ? [] : retired.error.lines });
}

function isNamed({ keys }: StoreFormat, serviceKey: Uint8Array): boolean {
  const value = checkValueOf(serviceKey);
  return keys.some(({ checkValue }) => checkValue.equals(value));
}

/**
 * Makes a store need an older key no more, and forget the capabilities that are found by it alone.
 *
 * @param forgets how many capabilities the operator expects to be forgotten.
 * @throws StoreFormatError if the store is not served here.
 */
export async function dropKey(
  store: UnusedStore,
  keyVersion: number,
  forgets: number,
): Promise<Result<void, DropDenial>> {
  const { format } = store;
  servedStoreId(format);
  const at = format.keys.findIndex((key) => key.keyVersion === keyVersion);
  if (at === -1) return err({ reason: "unknown" });
  if (at === 0) return err({ reason: "in_use" });
  const count = (await store.countLookups()).get(keyVersion) ?? 0;
  if (count !== forgets) return err({ reason: "other_count", forgets: count });
  await store.forget(keyVersion, { ...format, keys: format.keys.toSpliced(at, 1) });
  return ok(undefined);
}
