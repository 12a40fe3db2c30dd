const HEAD_END = "\r\n\r\n";
const VERSION = Buffer.from("HTTP/1.");
/** Where the status of a response begins, and the space before it. */
const STATUS_AT = "HTTP/1.1 ".length;
const [SPACE, ZERO, ONE, TWO] = Buffer.from(" 012");
const CR = 0x0d;
const LF = 0x0a;

/**
 * Changes every 100 (Continue) to a 102. Undici asks for no 100 and fails the connection when one comes, but a client must
 * accept any interim response before the final one (RFC 9110 §15.2), and some servers send a 100 with every body. As a 102 it is
 * counted and dropped like other interim responses.
 *
 * @param bytes begin with a response; changed in place.
 * @returns whether the bytes after them begin a response too.
 */
export function renameContinue(bytes: Buffer): boolean {
  let at = 0;
  while (isInterim(bytes, at)) {
    if (bytes[at + STATUS_AT + 1] === ZERO && bytes[at + STATUS_AT + 2] === ZERO)
      bytes.fill(TWO ?? 0, at + STATUS_AT + 2, at + STATUS_AT + 3);
    const end = bytes.indexOf(HEAD_END, at, "latin1");
    if (end === -1) return false;
    at = end + HEAD_END.length;
  }
  return at === bytes.length;
}

/**
 * Whether the status line at the beginning has a CR without an LF. Llhttp ends the line at two CRs, so that the rest of the
 * head would be body; a CR alone is never part of a line (RFC 9112 §2.2).
 */
export function hasBareCr(bytes: Buffer): boolean {
  const at = bytes.indexOf(CR);
  return at !== -1 && at + 1 < bytes.length && bytes[at + 1] !== LF;
}

function isInterim(bytes: Buffer, at: number): boolean {
  return (
    bytes[at + STATUS_AT] === ONE &&
    bytes[at + STATUS_AT - 1] === SPACE &&
    bytes.compare(VERSION, 0, VERSION.length, at, at + VERSION.length) === 0
  );
}
