import { createInterface } from "node:readline";

/**
 * The port that a service says it is ready on, in its log.
 *
 * @param {import("node:stream").Readable} log
 * @returns {Promise<number>}
 */
export async function readyPort(log) {
  /** @type {string[]} */
  const lines = [];
  for await (const line of createInterface({ input: log })) {
    lines.push(line);
    /** @type {{ msg?: string, port?: number }} */
    const event = line.startsWith("{") ? JSON.parse(line) : {};
    if (event.msg !== "ready" || event.port === undefined) continue;
    log.resume();
    return event.port;
  }
  throw new Error(`the service did not start: ${lines.join("\n")}`);
}
