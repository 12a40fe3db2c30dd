// Texts that are slow for a parser whose time grows with the square of its input. Each is as long as a body may be, or as long as a
// field that once took seconds.
import { createAndUse, prepareMany } from "./creation.js";

const BODY_BYTES = 1024 * 1024;
const HEADER_BYTES = 14_000;
/** Time between two requests of one connection, in milliseconds. */
const USE_MS = 20;
const AWS4 = { awsAccessKeyId: "AKIABENCH", region: "bench", service: "lambda", secretAccessKey: "secret" };
const hmac = { "aws4-hmac-sha256": AWS4 };

/** @param {string} uri */
const refused = (uri) => [
  JSON.stringify({ uri, headers: { "x-a": `a${" ".repeat(40_000)}a` } }),
  JSON.stringify({ uri: `http://${".".repeat(40_000)}/` }),
  JSON.stringify({ uri: `${uri}${"../".repeat(20_000)}` }),
  JSON.stringify({ uri, tls: { ca: "-----BEGIN CERTIFICATE-----\n".repeat(2_000) } }),
  filled('{"uri":', "[", ""),
  filled('{"uri":"', '\\"', '"}'),
  filled('{"uri":"', "\\u00e9", '"}'),
  filled('{"uri":', " ", "1}"),
  filled("{", '"a":1,', '"a":1}'),
  filled('{"uri":"', "a ", '"}'),
  filled('{"uri":', "1", "}"),
];

/**
 * Makes a target that is accepted, is as long as the limit of a head allows, and differs from all others.
 *
 * @param {string} uri
 * @param {number} i
 */
function slowTarget(uri, i) {
  const shapes = [
    { uri: `${uri}?${i}`, headers: { "x-a": `a${" ".repeat(HEADER_BYTES)}a` }, hmac },
    { uri: `${uri}?${i}`, headers: { "x-a": "a ".repeat(HEADER_BYTES / 2) }, hmac },
    { uri: `${uri}?${i}&${"a&".repeat(HEADER_BYTES / 2)}`, hmac },
    { uri: `${uri}${i}/${"%C3%A9/".repeat(HEADER_BYTES / 7)}`, hmac },
  ];
  return shapes[i % shapes.length] ?? {};
}

/** @type {readonly import("../attacks.js").Attack[]} */
export const TEXTS = [
  {
    name: "text that is slow to read, in exports",
    prepare: async ({ own, targets }) => ({ tokens: [own.export], uri: targets.plain }),
    act(client, { tokens, uri = "" }) {
      const texts = refused(uri);
      let next = 0;
      const send = () =>
        client.call(tokens[0], { method: "POST", body: texts[(next += 1) % texts.length] ?? "" });
      client.all(4, send, USE_MS);
    },
    shows: { "400 invalid_field": 20, sentMB: 10 },
  },
  {
    name: "configurations that are slow to read, used cold",
    prepare: (scenario) => prepareMany(scenario, slowTarget),
    act: (client, given) => createAndUse(client, given, slowTarget),
    shows: { 201: 100, 200: 200 },
  },
];

/**
 * @param {string} begin
 * @param {string} unit
 * @param {string} end
 */
function filled(begin, unit, end) {
  return begin + unit.repeat(Math.floor((BODY_BYTES - begin.length - end.length) / unit.length)) + end;
}
