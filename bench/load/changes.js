import { randomUUID } from "node:crypto";

/**
 * What the requests of a closed loop change: capabilities are exported through one membrane, membranes are made, or each membrane is
 * revoked once it was made.
 *
 * @typedef {{ kind: "export" | "create" | "create, revoke", token: string, uri: string }} Change
 */

/**
 * The requests of one connection, which sends the next one when it has the response to the last one.
 *
 * @typedef {object} Changes
 * @property {() => string} next the next request
 * @property {() => number} expectedStatus of the response to it
 * @property {(response: Buffer) => void} onResponse takes the response to it, whose bytes arrived together
 */

/**
 * @param {string} host with the port
 * @param {Change} change
 * @returns {Changes}
 */
export function createChanges(host, { kind, token, uri }) {
  // Begins the names of membranes, so that none is used twice.
  const run = randomUUID();
  let made = 0;
  /** The token that revokes what was made last. @type {string | undefined} */
  let revoking;
  const revoke = (/** @type {string} */ of) =>
    `GET / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${of}\r\n\r\n`;
  const post = (/** @type {object} */ json) => {
    const body = JSON.stringify(json);
    const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}`;
    return `${head}\r\n\r\n${body}`;
  };
  const exporting = post({ uri });
  return {
    next() {
      if (kind === "export") return exporting;
      if (revoking !== undefined) return revoke(revoking);
      made += 1;
      return post({ id: `${run} ${made}` });
    },
    expectedStatus: () => (revoking === undefined ? 201 : 202),
    onResponse(response) {
      if (kind !== "create, revoke") return;
      revoking = revoking === undefined ? revokeTokenIn(response) : undefined;
    },
  };
}

/** @param {Buffer} response */
function revokeTokenIn(response) {
  const token = /"revoke":"[^"#]*#([^"]+)"/.exec(response.toString("latin1"))?.[1];
  if (token === undefined) throw new Error("a membrane that was made has no token that revokes it");
  return token;
}
