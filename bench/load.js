// One stretch of load, in a process of its own: URL, token, seconds, connections. Prints what autocannon counted.
import autocannon from "autocannon";

const [url = "", token = "", seconds = "", connections = ""] = process.argv.slice(2);
const result = await autocannon({
  url,
  duration: Number(seconds),
  connections: Number(connections),
  headers: { authorization: `Bearer ${token}` },
});
const { requests, latency, errors, non2xx } = result;
console.log(
  JSON.stringify({
    total: requests.total,
    perSecond: requests.average,
    p50: latency.p50,
    p99: latency.p99,
    failed: errors + non2xx,
  }),
);
