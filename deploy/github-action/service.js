import { request } from "node:https";
import { text } from "node:stream/consumers";

/** A service responds within seconds; a job should not wait for one that is gone. */
const TIMEOUT_MS = 30_000;

/** Characters of a refusal that the log shows. */
const MAX_SHOWN = 1_000;

/** `cpblty://AUTHORITY/#TOKEN` */
const CAPABILITY = /^cpblty:\/\/([^/?#@\s]+)\/#(CPBLTY1-[A-Za-z0-9_-]{85}[AQgw])$/;

/**
 * @typedef {object} Capability
 * @property {string} uri
 * @property {string} url where clients send requests
 * @property {string} token
 */

/**
 * Takes a capability from a variable, and hides its token in the log of the job from now on.
 *
 * @param {string} variable
 * @returns {Capability}
 */
export function readCapability(variable) {
  return parseCapability(process.env[variable] ?? "", variable);
}

/**
 * @param {unknown} value
 * @param {string} name where it comes from
 * @returns {Capability}
 */
export function parseCapability(value, name) {
  const [uri = "", authority = "", token = ""] = CAPABILITY.exec(String(value).trim()) ?? [];
  if (uri === "") throw new Error(`${name}: expected cpblty://HOST/#CPBLTY1-…`);
  console.log(`::add-mask::${token}`);
  return { uri, url: `https://${authority}/`, token };
}

/**
 * Asks the service to do what a capability of it is for.
 *
 * @param {Capability} capability
 * @param {object} [body]
 * @returns {Promise<unknown>} what it responds
 * @throws Error with the reason if it refuses.
 */
export async function perform({ url, token }, body) {
  const ca = process.env["MEMBRANE_CA"] || undefined;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  /** @type {import("node:http").IncomingMessage} */
  const response = await new Promise((resolve, reject) => {
    request(url, { method: "POST", headers, signal, ...(ca === undefined ? {} : { ca }) }, resolve)
      .on("error", reject)
      .end(body === undefined ? "" : JSON.stringify(body));
  });
  const received = await text(response);
  if (response.statusCode === 201 || response.statusCode === 202) return JSON.parse(received);
  throw new Error(`${url} responds ${response.statusCode}: ${received.slice(0, MAX_SHOWN)}`);
}

/**
 * Looks up a field of a response.
 *
 * @param {unknown} json
 * @param {readonly string[]} path
 * @returns {unknown}
 */
export function field(json, ...path) {
  let value = json;
  for (const name of path) value = value instanceof Object ? Reflect.get(value, name) : undefined;
  return value;
}

/**
 * Fails the step with a message. A runner ends a line at a carriage return too, and would carry out what follows as a command.
 *
 * @param {unknown} error
 */
export function fail(error) {
  const message = error instanceof Error ? error.message : "failed";
  const escaped = message.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  console.log(`::error title=Membrane Service::${escaped}`);
  process.exitCode = 1;
}
