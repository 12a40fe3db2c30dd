const HEAD_END = Buffer.from("\r\n\r\n");
const NOTHING = Buffer.alloc(0);

/**
 * Reads the responses of one connection, on which one request at a time is in flight. It reads no more than the status and the
 * length: what the load takes of the processor, the gateways do not get.
 *
 * @param {(end: Buffer) => void} onEnd after each whole response; `end` is what arrived of it last, all of a short one
 * @param {() => number} [expectedStatus] that a response has; default: 200
 * @returns {(chunk: Buffer) => void} takes what arrives; throws if a response has another status, or no Content-Length
 */
export function createResponseReader(onEnd, expectedStatus = () => 200) {
  /** @type {Buffer} The bytes of an incomplete head. */
  let head = NOTHING;
  /** @type {number | undefined} Bytes of the body that have not arrived; undefined before its head has. */
  let left;
  return (chunk) => {
    let arrived = chunk.length;
    if (left === undefined) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      arrived = head.length - end - HEAD_END.length;
      left = bodyBytes(head.toString("latin1", 0, end), expectedStatus());
      head = NOTHING;
    }
    left -= arrived;
    if (left < 0) throw new Error(`${-left} bytes arrived after a response`);
    if (left > 0) return;
    left = undefined;
    onEnd(chunk);
  };
}

/**
 * @param {string} head
 * @param {number} status
 */
function bodyBytes(head, status) {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (!head.startsWith(`HTTP/1.1 ${status} `) || length === undefined) {
    throw new Error(`expected a ${status} with a Content-Length, got: ${head}`);
  }
  return Number(length);
}
