import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Loopback, Told } from "../support/client-differences.ts";
import { ask, startLoopback } from "../support/client-differences.ts";
import { sendPieces } from "../support/fuzz-script.ts";
import { UPSTREAM_CLIENTS } from "../support/http-adapters.ts";
import type { KnownResponse } from "../support/known-responses.ts";
import { KNOWN_RESPONSES } from "../support/known-responses.ts";

/*
 * What a target's bytes are understood as must not depend on the client that reads them, or on the pieces in which they come. Each row is sent
 * whole, byte by byte, and cut in two at some of its bytes; HTTP1_SPLITS=every cuts at all.
 */

const STEP = process.env["HTTP1_SPLITS"] === "every" ? 1 : 16;

const REQUEST = { method: "GET", path: "/", body: null, responseTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

let serve: (socket: Socket) => void = () => undefined;
let target: Loopback;
beforeAll(async () => {
  target = await startLoopback((socket) => serve(socket.setNoDelay(true)));
});
afterAll(() => target[Symbol.asyncDispose]());

describe.each(UPSTREAM_CLIENTS)("over $adapter:", ({ createConnection }) => {
  test.each(KNOWN_RESPONSES)("$name: $is, wherever it is cut", async ({ name, sends, is }) => {
    const all = [[sends], Array.from(sends)];
    for (let cut = 1 + (name.length % STEP); cut < sends.length; cut += STEP)
      all.push([sends.slice(0, cut), sends.slice(cut)]);
    for (const pieces of all) {
      serve = (socket) => void socket.once("data", () => sendPieces(socket, pieces, "fin"));
      expect(outcomeOf(await ask(createConnection, target.port, { request: REQUEST }))).toEqual(is);
    }
  });
});

function outcomeOf({ status, body, end }: Told): KnownResponse["is"] {
  if (end !== "end") return status === undefined ? "refused" : "cut";
  return { status: status ?? 0, body };
}
