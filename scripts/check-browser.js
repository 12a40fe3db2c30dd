// Runs the SDK in a real Chromium, on a page of another origin than the service's, through the life cycle of a capability, and
// checks the page's report. Then has pages open WebSockets and send a form to the service, with the Basic credentials that Chromium
// has cached.
// CHROMIUM names the program if it is not Debian's.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { basic, exportTarget, sendToService, serveLogin } from "./browser/basic-login.js";
import { startChromium } from "./browser/chromium.js";
import { servePage } from "./browser/page-server.js";
import { AUTHORITY, startService } from "./browser/service.js";
import { KEY, startTarget } from "./browser/target.js";

const SECONDS = 120;

/** Of a WebSocket; the target responds with 200. */
const HANDSHAKE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

const stop = new AbortController();
const timer = setTimeout(() => stop.abort(new Error(`not done after ${SECONDS} s`)), SECONDS * 1000);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort(new Error(signal)));

const directory = await mkdtemp(join(tmpdir(), "membrane-browser-"));
/** @type {(() => Promise<void>)[]} functions that stop what was started, the last one first. */
const ends = [];
try {
  const target = await startTarget();
  ends.unshift(target.end);
  const service = await startService({ directory, target: target.authority });
  ends.unshift(service.end);

  const page = await servePage({
    ...service.capabilities,
    target: `http://${target.authority}/door?of=house`,
  });
  ends.unshift(page.end);
  assert.deepEqual(await browse(page.url, service, page.seen), expected(page.url));
  console.log("The SDK works in Chromium.");

  const token = await exportTarget(service, `http://${target.authority}/door`);
  const requests = target.requests();
  const login = await serveLogin({ directory, port: service.port, token });
  ends.unshift(login.end);
  const attack = await browse(login.url, { ...service, port: login.port }, login.seen);
  // Chromium did send the credentials.
  const refused = { status: 401, challenge: "Bearer" };
  assert.deepEqual(attack, {
    webSockets: [
      { scheme: "Basic", site: undefined, ...refused },
      // Chromium keeps the credentials apart by the site of the page, which other browsers need not do.
      { scheme: undefined, site: undefined, ...refused },
    ],
    form: { scheme: "Basic", site: "cross-site", ...refused },
  });
  assert.equal(target.requests(), requests);
  // They work for any other client.
  const headers = { Authorization: basic(token) };
  assert.equal((await sendToService(service.port, { headers })).status, 200);
  assert.equal((await sendToService(service.port, { headers: { ...headers, ...HANDSHAKE } })).status, 200);
  assert.equal(target.requests(), requests + 2);
  console.log("WebSockets and a form of another site are refused after a Basic login.");
} catch (error) {
  console.error(`Chromium: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
  for (const end of ends) await end();
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * Opens a URL in a Chromium with a new profile, until `seen`.
 *
 * @template T
 * @param {string} url
 * @param {{ port: number, publicKeyHash: string }} service
 * @param {Promise<T>} seen
 * @returns {Promise<T>}
 */
async function browse(url, service, seen) {
  const profile = await mkdtemp(join(directory, "profile-"));
  const chromium = await startChromium({ directory: profile, url, authority: AUTHORITY, service });
  try {
    return await Promise.race([seen, chromium.failed, failWith(stop.signal)]);
  } finally {
    await chromium.end();
  }
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
function failWith(signal) {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * The expected report of page.js, step by step.
 *
 * @param {string} pageUrl
 */
function expected(pageUrl) {
  // A page sends its origin with requests to other origins.
  const arrived = { key: KEY, origin: new URL(pageUrl).origin };
  const unauthorized = { status: 401, error: "Unauthorized" };
  return {
    created: "friends",
    createdAgain: { statusCode: 409, code: "membrane_exists" },
    posted: {
      status: 200,
      house: "open",
      body: { ...arrived, method: "POST", url: "/door?of=house&a=1&b=%C3%A4+%26", body: "hello" },
    },
    queried: { completed: true, ids: ["friends"], isSame: true },
    passedOn: { status: 200, body: { ...arrived, method: "PUT", url: "/door?of=house", body: "" } },
    refused: { statusCode: 400, code: "invalid_field" },
    revoked: { statusCode: 202, message: "Accepted" },
    afterwards: [unauthorized, unauthorized],
  };
}
