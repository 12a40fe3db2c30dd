import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClientConnections } from "../../src/egress/client/client.ts";
import { createShared } from "../../src/egress/client/shared.ts";
import type { CreateConnection } from "../../src/egress/pooled-connection.ts";
import { createUndiciConnection } from "../../src/egress/undici/connection.ts";
import type { RequestMessage } from "../../src/http1/upstream.ts";
import type { Loopback, Told } from "../support/client-differences.ts";
import { MAX_HEADER_BYTES, ask, startLoopback } from "../support/client-differences.ts";
import { arbitraryResponse } from "../support/fuzz-responses.ts";
import { fuzz, FUZZ_TIMEOUT_MS, within } from "../support/fuzz-run.ts";
import { inPieces, printable, sendPieces } from "../support/fuzz-script.ts";

/*
 * The service's own client against undici: for the same bytes of a target both must say the same, wherever the bytes are cut, and for
 * the same request both must write the same. FUZZ_SECONDS sets the duration, FUZZ_SEED repeats a failed run.
 */

const native = createClientConnections(
  createShared(() => performance.now()),
  true,
);

/** What the target does on the next connection. */
let serve: (socket: Socket) => void = () => undefined;
let target: Loopback;
beforeAll(async () => {
  target = await startLoopback((socket) => serve(socket.setNoDelay(true)));
});
afterAll(() => target[Symbol.asyncDispose]());

const TIMEOUTS = { responseTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

const aWay = fc.constantFrom<Pick<RequestMessage, "method" | "upgrade">>(
  { method: "GET" },
  { method: "GET" },
  { method: "HEAD" },
  { method: "GET", upgrade: "websocket" },
);

/** Whether a head, or trailers, may be over the limit. */
function hasLargePart(bytes: string): boolean {
  return bytes.split("\r\n\r\n").some((part) => part.length + "\r\n\r\n".length > MAX_HEADER_BYTES);
}

/**
 * Without what differs: undici keeps only the last piece of a reason, refuses a status below 100 only after it has passed it on, and
 * does not say what came before a line that is refused for its CR.
 */
function comparable(told: Told): object {
  const { status, headers, body, end, informational, isResponseStarted } = told;
  if (status !== undefined && status >= 100)
    return { status, headers, body, end, informational, isResponseStarted };
  return { body, end };
}

test(
  "for any bytes of a target, in any pieces, both clients say the same",
  { timeout: FUZZ_TIMEOUT_MS },
  async () => {
    await fuzz(fc.record({ way: aWay, script: arbitraryResponse, isSlow: fc.boolean() }), async (drawn) => {
      const { way, script, isSlow } = drawn;
      const request = { ...way, path: "/", body: null, ...TIMEOUTS };
      const ending = script.ending === "none" ? "fin" : script.ending;
      serve = (socket) =>
        void socket.once("data", () => sendPieces(socket, inPieces(script.bytes, script.cuts), ending));
      const asking = { request, isSlow };
      const mine = await within(ask(native, target.port, asking), "an end with the native client");
      const undicis = await within(ask(createUndiciConnection, target.port, asking), "an end with undici");
      const what = `${way.method} ${way.upgrade ?? ""}: ${printable(script.bytes)}, then ${ending}`;
      // A reset may overtake what was sent before it.
      if (ending === "reset" && mine.end !== undicis.end) return;
      if (ending === "reset" && mine.end !== "end") return;
      // Undici counts names and values alone against its limit, no reason, and no trailers that come whole before the connection is closed.
      if (mine.code === "TARGET_HEAD_TOO_LARGE" && hasLargePart(script.bytes)) return;
      expect(comparable(mine), what).toEqual(comparable(undicis));
      // A request whose response has begun is never sent once more.
      expect(mine.isResponseStarted || !undicis.isResponseStarted, what).toBe(true);
    });
  },
);

interface WrittenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: readonly string[] | undefined;
  readonly isHeld: boolean;
  readonly isDeclared: boolean;
}

const aRequest: fc.Arbitrary<WrittenRequest> = fc.record({
  method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND"),
  path: fc.constantFrom("/", "/a?b=c%20d", "/\xe9"),
  headers: fc
    .array(
      fc.constantFrom(
        ["X-A", "b"],
        ["x-a", ""],
        ["Cookie", "a=\xff"],
        ["User-Agent", "a b"],
        ["Content-Type", "text/a"],
      ),
    )
    .chain((lines) => fc.constantFrom(lines, [["Host", "a.test:1"], ...lines]))
    .map((lines) => lines.flat()),
  body: fc.option(
    fc.array(fc.string({ minLength: 1, maxLength: 3_000, unit: "binary-ascii" }), { maxLength: 4 }),
    {
      nil: undefined,
    },
  ),
  isHeld: fc.boolean(),
  isDeclared: fc.boolean(),
});

/** Sends it. @returns what the target has received when nothing more comes. */
async function written(createConnection: CreateConnection, drawn: WrittenRequest): Promise<string> {
  const { method, path, headers, body, isHeld, isDeclared } = drawn;
  const pieces = body?.map((piece) => Buffer.from(piece, "latin1"));
  const whole = Buffer.concat(pieces ?? []);
  const chunks: Buffer[] = [];
  serve = (socket) => {
    socket.on("data", (chunk) => chunks.push(chunk));
    void quiet(chunks).then(() => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  };
  const streamed = pieces === undefined ? null : Readable.from(pieces, { objectMode: false });
  const request = { method, path, body: pieces !== undefined && isHeld ? whole : streamed, ...TIMEOUTS };
  const length = isDeclared && body !== undefined ? ["Content-Length", String(whole.length)] : [];
  const asking = { request, headers: [...headers, ...length] };
  await within(ask(createConnection, target.port, asking), "a response");
  return Buffer.concat(chunks).toString("latin1");
}

/** Waits until something has come, and then nothing for some turns. */
async function quiet(chunks: readonly Buffer[]): Promise<void> {
  for (let turns = 0, seen = 0; turns < 20; turns += 1) {
    if (seen !== chunks.length || seen === 0) turns = 0;
    seen = chunks.length;
    await setImmediate();
  }
}

/** How a streamed body is cut into pieces may differ: only the content of its chunks counts. */
function withoutCuts(request: string): string {
  const [head = "", ...rest] = request.split("\r\n\r\n");
  if (!head.includes("transfer-encoding")) return request;
  const chunks = rest.join("\r\n\r\n");
  let body = "";
  for (let at = 0; at < chunks.length;) {
    const sizeEnd = chunks.indexOf("\r\n", at);
    const size = Number.parseInt(chunks.slice(at, sizeEnd), 16);
    body += chunks.slice(sizeEnd + 2, sizeEnd + 2 + size);
    at = sizeEnd + 4 + size;
  }
  return `${head}\n\n${body}`;
}

test("for any request, both clients write the same", { timeout: FUZZ_TIMEOUT_MS }, async () => {
  await fuzz(aRequest, async (drawn) => {
    const mine = await written(native, drawn);
    expect(withoutCuts(mine)).toBe(withoutCuts(await written(createUndiciConnection, drawn)));
  });
});
