// Attacks on the store's writes: writers without a pause, pages of `query` that create the capabilities that they list, and a
// process that stops within a write.
import { fileURLToPath } from "node:url";
import { manyOf, tokenIn } from "./creation.js";

const STOPPED_WRITER = fileURLToPath(new URL("../stopped-writer.js", import.meta.url));
const MEMBRANES = 100;
const PAGE = "/?limit=1000";

/** @type {Omit<import("../attacks.js").Attack, "name">} */
const WRITERS = {
  prepare: async ({ own, targets }) => ({ tokens: [own.export], uri: targets.plain }),
  act(client, { tokens, uri }) {
    const body = JSON.stringify({ uri });
    client.all(16, () => client.call(tokens[0], { method: "POST", body }), 0);
  },
  shows: { 201: 200 },
};

/** @type {readonly import("../attacks.js").Attack[]} */
export const WRITES = [
  { name: "16 clients of one export that write", ...WRITERS },
  { name: "revokes while 16 clients of one export write", measured: "revokes", ...WRITERS },
  {
    name: "pages of delegated queries",
    async prepare({ own }) {
      await manyOf(MEMBRANES, (i) => own.membrane(`listed ${i}`));
      return { tokens: [own.export], uri: own.queryUri };
    },
    /** Each client delegates the query again and lists, which makes two re-exports for each membrane, and lists again. */
    act(client, { tokens, uri }) {
      const body = JSON.stringify({ capability: uri });
      const storm = async () => {
        const { status, text } = await client.call(tokens[0], { method: "POST", body });
        if (status !== 201) return;
        for (let page = 0; page < 4; page += 1) await client.call(tokenIn(text), { path: PAGE });
      };
      client.all(64, storm, 0);
    },
    shows: { 201: 20, requests: 80, 200: 1 },
  },
  {
    name: "another process stopped within a write",
    prepare: async ({ own }) => ({ tokens: [own.create] }),
    accomplice: STOPPED_WRITER,
    act(client, { tokens }) {
      let next = 0;
      const create = () =>
        client.call(tokens[0], { method: "POST", body: JSON.stringify({ id: `waits ${(next += 1)}` }) });
      client.all(16, create, 0);
    },
    shows: { "503 store_unavailable": 16 },
  },
];
