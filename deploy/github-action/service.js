import { request } from "node:https";

/** A service responds within seconds; a job should not wait for one that is gone. */
const TIMEOUT_MS = 30_000;

/** Bytes of a response. A service says all that it has to say in a few thousand; what is at another address may never end. */
const MAX_RESPONSE_BYTES = 1_048_576;

/** Characters of a refusal that the log shows. */
const MAX_SHOWN = 1_000;

const NOT_OF_SERVICE = "not a response of the service itself: is the capability the one for this input?";

/** Statuses of a service that may respond otherwise soon. */
const TRANSIENT = new Set([429, 500, 503]);

/** `cpblty://AUTHORITY/#TOKEN` */
const CAPABILITY = /^cpblty:\/\/([^/?#@\s]+)\/#(CPBLTY1-[A-Za-z0-9_-]{85}[AQgw])$/;

/**
 * @typedef {object} Capability
 * @property {string} uri
 * @property {string} url where clients send requests
 * @property {string} token
 */

/** A request that was refused, and would be once more. */
export class RefusedError extends Error {}

/**
 * Takes a capability from the variable of an input, and hides its token in the log of the job from now on.
 *
 * @param {string} input
 * @returns {Capability}
 */
export function readCapability(input) {
  const value = process.env[`MEMBRANE_${input.toUpperCase()}`] ?? "";
  if (value.trim() === "")
    throw new Error(
      `${input}: is empty: its secret is not set, or not for this job, such as one for a pull request from a fork`,
    );
  return parseCapability(value, input);
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
 * @throws Error with the reason if it refuses, or responds with more than a service does.
 */
export async function perform({ url, token }, body) {
  const ca = readCa();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  /** @type {import("node:http").IncomingMessage} */
  const response = await new Promise((resolve, reject) => {
    request(url, { method: "POST", headers, signal, ...(ca === undefined ? {} : { ca }) }, resolve)
      .on("error", reject)
      .end(body === undefined ? "" : JSON.stringify(body));
  });
  const received = await readText(response, url);
  if (response.statusCode === 201 || response.statusCode === 202) return JSON.parse(received);
  const message = `${url} responds ${response.statusCode}: ${reasonOf(received)}`;
  throw TRANSIENT.has(response.statusCode ?? 0) ? new Error(message) : new RefusedError(message);
}

/**
 * @param {import("node:http").IncomingMessage} response
 * @param {string} url
 * @throws RefusedError if it is larger than {@link MAX_RESPONSE_BYTES}: it would be once more.
 */
async function readText(response, url) {
  /** @type {Buffer[]} */
  const chunks = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    // Leaving the loop closes the connection.
    if (bytes > MAX_RESPONSE_BYTES)
      throw new RefusedError(
        `${url} responds ${response.statusCode} with more than ${MAX_RESPONSE_BYTES} bytes: ${NOT_OF_SERVICE}`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** @returns {string | undefined} */
function readCa() {
  const ca = process.env["MEMBRANE_CA"] || undefined;
  if (ca === undefined || ca.includes("-----BEGIN CERTIFICATE-----")) return ca;
  throw new RefusedError("ca: expected a certificate as PEM, which begins with -----BEGIN CERTIFICATE-----");
}

/**
 * Of a refusal of the service. A target responds to a capability for requests, with what the log of a job should not show.
 *
 * @param {string} received
 */
function reasonOf(received) {
  try {
    /** @type {unknown} */
    const refusal = JSON.parse(received);
    const code = field(refusal, "code");
    if (typeof code === "string") return `${String(field(refusal, "message"))} (${code})`.slice(0, MAX_SHOWN);
  } catch {
    // Not of the service.
  }
  return NOT_OF_SERVICE;
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
