// Generates calls of one kind, each measured to the microsecond: as many as `callers` at a time can make, or at a fixed rate. Reads
// its options as JSON from the variable CALLS and prints what was counted. At a fixed rate, a call is sent when it is time, whether
// earlier ones have ended or not; its latency counts from then.
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { quantile } from "../measure/statistics.js";

/** @type {import("../measure/calls.js").Calls} */
const {
  urls,
  tokens: file,
  kind,
  uri,
  callers,
  seconds,
  amount = Infinity,
  rate,
  revokeTokens,
  warmSeconds,
} = JSON.parse(process.env["CALLS"] ?? "{}");
const pools = urls.map((url) => new Pool(url, { connections: Math.ceil(callers / urls.length) }));
const tokens = readFileSync(file, "utf8").trim().split("\n");
/** Begins the names of membranes, so that none is used twice. */
const run = randomUUID();
/** @type {number[]} */
const latencies = [];
/** @type {string[]} */
const made = [];
let sent = 0;
let failed = 0;
let firstFailure = "";

const KINDS = {
  invoke: { status: 200, method: "GET", token: anyToken, body: () => null },
  create: {
    status: 201,
    method: "POST",
    token: anyToken,
    body: (/** @type {number} */ call) => JSON.stringify({ id: `${run} ${call}` }),
  },
  export: { status: 201, method: "POST", token: anyToken, body: () => JSON.stringify({ uri }) },
  /** Each token once. */
  revoke: {
    status: 202,
    method: "GET",
    token: (/** @type {number} */ call) => tokens[call],
    body: () => null,
  },
};
const how = KINDS[kind];

const begun = performance.now();
const counted = begun + warmSeconds * 1_000;
const end = counted + seconds * 1_000;
await (rate === undefined ? callInTurn() : callAtRate(rate));
const last = performance.now();
if (revokeTokens !== undefined) writeFileSync(revokeTokens, made.join(""));
console.log(
  JSON.stringify({
    total: latencies.length,
    seconds: (last - counted) / 1_000,
    failed,
    firstFailure,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  }),
);
await Promise.all(pools.map((pool) => pool.close()));

/** Each caller sends its next call when the last one has ended. */
async function callInTurn() {
  const caller = async (/** @type {number} */ index) => {
    while (performance.now() < end && (await call(index)));
  };
  await Promise.all(Array.from({ length: callers }, (_, index) => caller(index)));
}

/** @param {number} rate calls a second */
async function callAtRate(rate) {
  const calls = [];
  for (let next = begun; next < end; next += 1_000 / rate) {
    await sleep(Math.max(0, next - performance.now()));
    calls.push(call(calls.length, next));
  }
  await Promise.all(calls);
}

/**
 * @param {number} index of the caller or of the call, which chooses a service
 * @param {number} from when it was due
 * @returns {Promise<boolean>} whether there was a call to make
 */
async function call(index, from = performance.now()) {
  if (sent === amount) return false;
  const number = sent;
  sent += 1;
  const token = how.token(number);
  const pool = pools[index % pools.length];
  if (token === undefined || pool === undefined) return false;
  const headers = { authorization: `Bearer ${token}` };
  const response = await pool.request({ path: "/", method: how.method, headers, body: how.body(number) });
  const text = await response.body.text();
  const to = performance.now();
  if (response.statusCode !== how.status) {
    failed += 1;
    firstFailure ||= `${response.statusCode} ${text}`;
  } else {
    if (from >= counted) latencies.push(to - from);
    if (revokeTokens !== undefined) made.push(`${tokenIn(JSON.parse(text).capabilities.revoke)}\n`);
  }
  return true;
}

/** @param {number} call */
function anyToken(call) {
  return tokens[call % tokens.length];
}

/** @param {string} uri */
function tokenIn(uri) {
  return uri.slice(uri.indexOf("#") + 1);
}
