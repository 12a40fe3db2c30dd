/** A header that every request has, so that heads that repeat and heads that do not are as long. */
const COUNTER = "X-Request-Id";
const DIGITS = 10;

/**
 * What the requests of one closed loop are.
 *
 * @typedef {object} Requests
 * @property {string} host with the port
 * @property {string} path with the query
 * @property {readonly string[]} tokens each request has one of them at random
 * @property {boolean} [hasNewHeads] whether each head differs from all others, by a counter in a header
 * @property {number} [bodyBytes] sent with each request
 * @property {import("./changes.js").Change} [change] what each request changes, in place of all these
 */

/**
 * Makes the heads of one connection: the same bytes each time, or with a counter.
 *
 * @param {Requests} requests
 * @param {() => number} count
 * @returns {() => string} the next head, in Latin-1
 */
export function createHeads({ host, path, tokens, hasNewHeads = false, bodyBytes = 0 }, count) {
  const method = bodyBytes > 0 ? "POST" : "GET";
  const length = bodyBytes > 0 ? `Content-Length: ${bodyBytes}\r\n` : "";
  const begin = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer `;
  const end = `\r\n${length}${COUNTER}: `;
  const head = (/** @type {number} */ number) => {
    const token = tokens[Math.floor(Math.random() * tokens.length)];
    return `${begin}${token}${end}${String(number).padStart(DIGITS, "0")}\r\n\r\n`;
  };
  if (hasNewHeads || tokens.length > 1) return () => head(count());
  const same = head(0);
  return () => same;
}
