const TAB = 0x09;
const SPACE = 0x20;

/** How many names are kept, a power of two, and how long they may be: strangers choose them. */
const SLOTS = 1_024;
const MAX_KEPT_LENGTH = 64;

/**
 * Finds one string for all occurrences of a name. V8 makes a part of a string that refers to the whole string, here to a whole head;
 * the string that is found is separate from every head, and its hash is known.
 *
 * Each name has one slot, and a name that is new takes the slot from the one before it. So it is bounded, and common names come back.
 */
export class NameTable {
  readonly #slots: string[] = Array.from({ length: SLOTS }, () => "");

  /** @returns the part of a head from one offset to before another, which is not empty. */
  sliceName(head: string, from: number, to: number): string {
    const length = to - from;
    if (length > MAX_KEPT_LENGTH) return head.slice(from, to);
    const slot = slotOf(head, from, to);
    const known = this.#slots[slot];
    if (known !== undefined && isAt(head, from, known, length)) return known;
    const separate = Buffer.from(head.slice(from, to), "latin1").toString("latin1");
    this.#slots[slot] = separate;
    return separate;
  }
}

/** By the length and three characters. Names that agree in all four share a slot, which costs only time. */
function slotOf(head: string, from: number, to: number): number {
  const length = to - from;
  const middle = head.charCodeAt(from + (length >> 1));
  return (length * 37 + head.charCodeAt(from) * 101 + middle * 7 + head.charCodeAt(to - 1) * 31) % SLOTS;
}

/** A loop is twice as fast as `startsWith`, and as a map whose keys must be cut out first. */
function isAt(head: string, from: number, name: string, length: number): boolean {
  if (name.length !== length) return false;
  for (let at = 0; at < length; at += 1) {
    if (head.charCodeAt(from + at) !== name.charCodeAt(at)) return false;
  }
  return true;
}

/** A value without the blanks after it, which are not a part of it (RFC 9110 §5.5). llhttp leaves them, and none before it. */
export function trimEnd(value: string): string {
  let end = value.length;
  while (end > 0 && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return end === value.length ? value : value.slice(0, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
