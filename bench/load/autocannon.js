// Generates one stretch of load at a fixed rate. Reads its options as JSON from the variable LOAD and prints autocannon's counts.
// Latencies are corrected for coordinated omission: a request that waited for an earlier one counts from when it should have been
// sent.
import autocannon from "autocannon";

/** @type {import("../measure/latency.js").Load} */
const { url, token, seconds, connections, rate } = JSON.parse(process.env["LOAD"] ?? "{}");
const headers = { authorization: `Bearer ${token}` };
const result = await autocannon({ url, duration: seconds, connections, headers, overallRate: rate });
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
