// Runs the SDK in a real Chromium, on a page of another origin than the service's, through the life cycle of a capability, and
// checks the page's report. CHROMIUM names the program if it is not Debian's.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChromium } from "./browser/chromium.js";
import { servePage } from "./browser/page-server.js";
import { AUTHORITY, startService } from "./browser/service.js";
import { KEY, startTarget } from "./browser/target.js";

const SECONDS = 60;

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
  const chromium = await startChromium({ directory, url: page.url, authority: AUTHORITY, service });
  ends.unshift(chromium.end);

  const seen = await Promise.race([page.seen, chromium.failed, failWith(stop.signal)]);
  assert.deepEqual(seen, expected(page.url));
  console.log("The SDK works in Chromium.");
} catch (error) {
  console.error(`The SDK in Chromium: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
  for (const end of ends) await end();
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
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
