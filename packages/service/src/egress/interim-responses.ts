const HEAD_END = "\r\n\r\n";
const VERSION = Buffer.from("HTTP/1.");
/** Where the status of a response begins, and the space before it. */
const STATUS_AT = "HTTP/1.1 ".length;
const [SPACE, ZERO, ONE, TWO] = Buffer.from(" 012");

/**
 * Makes every 100 (Continue) a 102. Undici takes a 100 that it has not asked for, and it asks for none, as the end of a
 * connection, where RFC 9110 §15.2 has a client take any interim response before the final one; some servers send it with
 * every body. Like all of them it is counted and dropped.
 *
 * @param bytes that begin with a response, and are changed.
 * @returns whether what follows them begins with a response too.
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

function isInterim(bytes: Buffer, at: number): boolean {
  return (
    bytes[at + STATUS_AT] === ONE &&
    bytes[at + STATUS_AT - 1] === SPACE &&
    bytes.compare(VERSION, 0, VERSION.length, at, at + VERSION.length) === 0
  );
}
