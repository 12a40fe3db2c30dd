/** How many bytes are drawn at once: drawing takes microseconds, however few they are. */
const DRAWN_BYTES = 4_096;

/**
 * Makes a source of random ids.
 *
 * @param random draws as many random bytes.
 * @returns a function that makes an id of this many bytes, in hexadecimal digits. An id of zeros is not valid, and is none.
 */
export function createRandomIds(random: (size: number) => Uint8Array): (size: number) => string {
  let digits = "";
  let at = 0;
  return (size) => {
    for (;;) {
      const end = at + size * 2;
      if (end > digits.length) {
        digits = Buffer.from(random(DRAWN_BYTES)).toString("hex");
        at = 0;
        continue;
      }
      const id = digits.slice(at, end);
      at = end;
      if (!/^0+$/.test(id)) return id;
    }
  };
}
