// `npm run bench:ceiling`: the most that an invocation can cost. An exporter chooses the headers, query and signature of its targets,
// and so the cost of each use for the event loop. The costliest targets that the limits allow are compared with a plain one, which
// another process serves in the same seconds; only the ratio counts.
import { initStore, createMembrane, exportThrough, serve } from "./gateways/membrane.js";
import { endAll, startTarget } from "./gateways/start.js";
import { compare } from "./measure/compare.js";

const windows = Number(process.env["BENCH_WINDOWS"] ?? 5);
const how = { launches: 1, windows, seconds: 2, warmSeconds: 2, connections: 16 };

/** The default limit of a head (`--header-bytes`), minus bytes for the headers that the client and the service add. */
const HEAD_BYTES = 15_000;
const AWS4 = { awsAccessKeyId: "AKIABENCH", region: "bench", service: "lambda", secretAccessKey: "secret" };
const CAP1 = { key: "AAAA", keyId: "bench" };
const aws4 = { hmac: { "aws4-hmac-sha256": AWS4 } };
const cap1 = { hmac: { "cap1-hmac-sha512": CAP1 } };

try {
  const uri = `http://127.0.0.1:${await startTarget()}/`;
  const store = await initStore();
  const service = await serve(store);
  const membrane = await createMembrane(service, store.create, "bench");
  /**
   * @param {string} name
   * @param {object} body
   */
  const sideOf = async (name, body) => {
    const token = await exportThrough(service, membrane.export, body);
    return { name, start: async () => ({ ...(await serve(store)), token }) };
  };
  const against = await sideOf("plain", { uri });

  /** @type {readonly (readonly [string, object])[]} */
  const configurations = [
    ["many headers", { uri, headers: headersOf(HEAD_BYTES) }],
    ["many headers, aws4", { uri, headers: headersOf(HEAD_BYTES), ...aws4 }],
    ["many headers, cap1", { uri, headers: headersOf(HEAD_BYTES), ...cap1 }],
    ["one long header, aws4", { uri, headers: { "x-a": "a ".repeat(HEAD_BYTES / 2) }, ...aws4 }],
    ["one long header, cap1", { uri, headers: { "x-a": "a ".repeat(HEAD_BYTES / 2) }, ...cap1 }],
    ["many query keys, aws4", { uri: `${uri}?${keysOf(HEAD_BYTES)}`, ...aws4 }],
    [
      "many query keys with the client's, aws4",
      { uri: `${uri}?${keysOf(HEAD_BYTES)}`, allowQuery: true, ...aws4 },
    ],
    ["a long path, aws4", { uri: `${uri}${"%C3%A9/".repeat(HEAD_BYTES / 7)}`, ...aws4 }],
  ];
  const report = [];
  for (const [name, body] of configurations) {
    const compared = await compare({ name, ours: await sideOf(name, body), against }, how);
    if (compared === undefined) throw new TypeError("the service is installed");
    const { cpuRatio, cpuMicroseconds, againstCpuMicroseconds, noisy } = compared;
    report.push({
      target: name,
      "CPU against plain": `${cpuRatio.median.toFixed(1)} (${cpuRatio.lower.toFixed(1)}–${cpuRatio.upper.toFixed(1)})`,
      µs: Math.round(cpuMicroseconds),
      "µs plain": Math.round(againstCpuMicroseconds),
      verdict: noisy ? "noisy" : "",
    });
  }
  console.table(report);
} finally {
  await endAll();
}

/** Makes as many headers of a few characters as fit, counting colon, space and line end.
 *
 * @param {number} bytes */
function headersOf(bytes) {
  /** @type {Record<string, string>} */
  const headers = {};
  for (let i = 0, left = bytes; i < 1_000; i += 1) {
    const name = `x-${i.toString(36)}`;
    left -= name.length + "a".length + ": \r\n".length;
    if (left < 0) break;
    headers[name] = "a";
  }
  return headers;
}

/** @param {number} bytes */
function keysOf(bytes) {
  let keys = "";
  for (let i = 0; keys.length < bytes; i += 1) keys += `${(i * 7919).toString(36)}&`;
  return keys.slice(0, bytes);
}
