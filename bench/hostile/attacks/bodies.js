// Bodies that take memory: buffered for a signature, buffered to be parsed as JSON, or streamed to a target that does not read.
const MIB = 1024 * 1024;
const AWS4 = { awsAccessKeyId: "AKIABENCH", region: "bench", service: "lambda", secretAccessKey: "secret" };

/** @param {import("../scenario.js").Scenario} scenario */
const signed = async ({ own, targets }) => ({
  tokens: [await own.exported({ uri: targets.plain, hmac: { "aws4-hmac-sha256": AWS4 } })],
});

/** @type {readonly import("../attacks.js").Attack[]} */
export const BODIES = [
  {
    name: "held bodies that never end",
    prepare: signed,
    act: (client, { tokens }) => client.all(52, () => client.body(tokens[0], 6 * MIB, 64 * 1024)),
    // The share of one capability, a third of 256 MiB, is buffered, and the rest is refused.
    shows: { 429: 20, open: 8, sentMB: 60 },
  },
  {
    name: "held bodies in chunks of one byte",
    prepare: signed,
    act: (client, { tokens }) => client.all(52, () => client.body(tokens[0], 8 * MIB)),
    shows: { open: 20, sentMB: 5 },
  },
  {
    name: "management bodies in chunks of one byte",
    prepare: async ({ own }) => ({ tokens: [own.create] }),
    act: (client, { tokens }) => client.all(6, () => client.body(tokens[0], MIB)),
    shows: { open: 2, sentMB: 1 },
  },
  {
    name: "streamed bodies in chunks of one byte",
    prepare: async ({ own, targets }) => ({ tokens: [await own.exported({ uri: targets.mute })] }),
    act: (client, { tokens }) => client.all(200, () => client.body(tokens[0], MIB)),
    shows: { open: 100, sentMB: 5 },
  },
];
