// Generates one stretch of load where wrk is not installed, and every stretch at a fixed rate. Reads its options as JSON from the
// variable LOAD and prints autocannon's counts. At a fixed rate, latencies are corrected for coordinated omission: a request that
// waited for an earlier one counts from when it should have been sent.
import { readFileSync } from "node:fs";
import autocannon from "autocannon";

/** @type {import("../measure/load.js").Load} */
const { url, token, tokens, seconds, connections, rate, bodyBytes } = JSON.parse(process.env["LOAD"] ?? "{}");
const all = tokens === undefined ? [token] : readFileSync(tokens, "utf8").trim().split("\n");
const result = await autocannon({
  url,
  duration: seconds,
  connections,
  headers: { authorization: `Bearer ${all[0]}` },
  ...(rate === undefined ? {} : { overallRate: rate }),
  ...(bodyBytes === undefined ? {} : { method: "POST", body: Buffer.alloc(bodyBytes, "x") }),
  ...(tokens === undefined ? {} : { requests: [{ setupRequest: anyToken }] }),
});
const { requests, latency, errors, non2xx, duration } = result;
console.log(
  JSON.stringify({
    total: requests.total,
    seconds: duration,
    failed: errors + non2xx,
    p50: latency.p50,
    p99: latency.p99,
    p999: latency.p99_9,
  }),
);

/** @param {import("autocannon").Request} request */
function anyToken(request) {
  const token = all[Math.floor(Math.random() * all.length)];
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}
