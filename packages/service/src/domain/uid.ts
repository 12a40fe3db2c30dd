declare const brand: unique symbol;

/**
 * The 16 bytes that name a record, as 32 lower-case hex digits: at least the last 8 are random (`store/uid-source.ts`). Records point to
 * each other by uid, never by token.
 */
export type Uid = string & { readonly [brand]: "Uid" };

const UID_BYTES = 16;
const UID_PATTERN = /^[0-9a-f]{32}$/;

/** Draws a new uid from `random`, a source of that many random bytes. */
export function newUid(random: (size: number) => Uint8Array): Uid {
  return parseUid(Buffer.from(random(UID_BYTES)).toString("hex"));
}

/** @throws RangeError if `text` is not 32 lower-case hex digits. */
export function parseUid(text: string): Uid {
  if (!isUid(text)) throw new RangeError("a uid is 32 lower-case hex digits");
  return text;
}

/** Whether `text` is a uid. */
export function isUid(text: string): text is Uid {
  return UID_PATTERN.test(text);
}

/** The 16 bytes of a uid. */
export function uidBytes(uid: Uid): Buffer {
  return Buffer.from(uid, "hex");
}
