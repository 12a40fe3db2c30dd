// Targets that are costly to use: an exporter's choices decide the cost of each invocation.
import { rootCertificates } from "node:tls";
import { createAndUse, manyOf, prepareMany } from "./creation.js";

/** Time between two uses of one connection, in milliseconds. */
const USE_MS = 20;
const CA_BYTES = 60_000;
const AWS4 = { awsAccessKeyId: "AKIABENCH", region: "bench", service: "lambda", secretAccessKey: "secret" };
const hmac = { "aws4-hmac-sha256": AWS4 };
/** As many headers of a few characters as a request may have. */
const HEADERS = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`x-${i.toString(36)}`, "a"]));

/** @type {readonly import("../attacks.js").Attack[]} */
export const CONFIGURATIONS = [
  {
    name: "pools with other TLS material",
    prepare: async ({ own, targets }) => ({
      tokens: await manyOf(50, (i) =>
        own.exported({ uri: targets.mute.replace("http:", "https:"), tls: { ca: certificates(i) } }),
      ),
    }),
    act: useRoundRobin,
    shows: { requests: 4 },
  },
  {
    name: "capabilities with costly configurations",
    prepare: async ({ own, targets }) => ({
      tokens: await manyOf(400, (i) =>
        own.exported({ uri: `${targets.plain}?${i}`, headers: HEADERS, hmac }),
      ),
    }),
    act: useRoundRobin,
    shows: { 200: 200 },
  },
  {
    name: "more capabilities, made and used, than there is room for their verdicts",
    prepare: (scenario) => prepareMany(scenario, largeTarget),
    act: (client, given) => createAndUse(client, given, largeTarget),
    shows: { 201: 100, 200: 200 },
  },
];

/**
 * @param {import("../client.js").Client} client
 * @param {import("../attacks.js").Given} given
 */
function useRoundRobin(client, { tokens }) {
  let next = 0;
  client.all(4, () => client.call(tokens[(next += 1) % tokens.length]), USE_MS);
}

/**
 * @param {string} uri
 * @param {number} i
 */
function largeTarget(uri, i) {
  return { uri: `${uri}?${i}`, headers: HEADERS, hmac };
}

/**
 * Returns certificates of public CAs, as many as a target may have, beginning at another one for each `i`.
 *
 * @param {number} i
 */
function certificates(i) {
  const from = i % rootCertificates.length;
  const turned = [...rootCertificates.slice(from), ...rootCertificates.slice(0, from)];
  let text = "";
  for (const certificate of turned) {
    if (text.length + certificate.length + 1 > CA_BYTES) break;
    text += `${certificate}\n`;
  }
  return text;
}
