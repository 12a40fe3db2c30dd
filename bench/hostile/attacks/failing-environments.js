// A service whose environment fails: a disk without space, a log that cannot be written.
const HEADERS = { "x-a": "a".repeat(14_000) };
/** Time between two requests of one connection, in milliseconds. */
const REFUSED_MS = 5;

/** @type {Omit<import("../attacks.js").Attack, "name" | "where">} */
const REFUSED = {
  prepare: async ({ own }) => ({ tokens: [own.create] }),
  /** Sends requests that `create` refuses, which is logged. */
  act: (client, { tokens }) =>
    client.all(16, () => client.call(tokens[0], { method: "POST", body: "{}" }), REFUSED_MS),
  shows: { "400 invalid_field": 500 },
};

/** @type {readonly import("../attacks.js").Attack[]} */
export const FAILING_ENVIRONMENTS = [
  {
    name: "exports on a disk that they have filled",
    where: "small disk",
    prepare: async ({ own, targets }) => ({ tokens: [own.export], uri: targets.plain }),
    act(client, { tokens, uri }) {
      const body = JSON.stringify({ uri, headers: HEADERS });
      client.all(16, () => client.call(tokens[0], { method: "POST", body }), 0);
    },
    shows: { 201: 100, "503 store_full": 50 },
  },
  { name: "refusals that are logged to a full device", where: "full log", ...REFUSED },
  { name: "refusals that are logged to a pipe that is not read", where: "unread log", ...REFUSED },
];
