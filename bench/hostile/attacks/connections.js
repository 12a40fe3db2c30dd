// Connections that hold as much as they can: requests that wait, responses that wait, tokens that do not work.
import { randomBytes } from "node:crypto";

/** The attacker's addresses: each may fail some thousand times a minute. */
const ADDRESSES = 200;
/** Time between two requests of one connection, in milliseconds. */
const GUESS_MS = 5;

/** @type {readonly import("../attacks.js").Attack[]} */
export const CONNECTIONS = [
  {
    name: "pipelining",
    prepare: async ({ own, targets }) => ({ tokens: [await own.exported({ uri: targets.mute })] }),
    act: (client, { tokens }) => client.all(4, () => client.pipeline(tokens[0])),
    shows: { open: 4, sentMB: 0.1 },
  },
  {
    name: "readers that do not read",
    prepare: async ({ own, targets }) => ({ tokens: [await own.exported({ uri: targets.drip })] }),
    act: (client, { tokens }) => client.all(100, () => client.unread(tokens[0])),
    shows: { open: 50 },
  },
  {
    name: "tokens that do not exist, from many addresses",
    prepare: async () => ({ tokens: [] }),
    act(client) {
      let next = 0;
      const guess = () =>
        client.call(`CPBLTY1-${randomBytes(64).toString("base64url")}`, {
          localAddress: `127.0.1.${1 + ((next += 1) % ADDRESSES)}`,
        });
      client.all(16, guess, GUESS_MS);
    },
    shows: { "401 unauthorized": 500 },
  },
];
