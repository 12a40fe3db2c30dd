import type { Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { arbitraryResponse } from "../support/fuzz-responses.ts";
import type { Message, ParseResult } from "../support/fuzz-parser.ts";
import { readResponse, statusOf, valuesOf } from "../support/fuzz-parser.ts";
import { fuzz, FUZZ_TIMEOUT_MS, rarely, within } from "../support/fuzz-run.ts";
import type { Ending, Script } from "../support/fuzz-script.ts";
import { inPieces, MARK, markOf, marksIn, sendPieces, printable } from "../support/fuzz-script.ts";
import type { ReceivedFuzzRequest, StrictUpstream } from "../support/fuzz-upstream.ts";
import { startStrictUpstream } from "../support/fuzz-upstream.ts";
import type { FuzzEnv } from "../support/fuzz-env.ts";
import { startFuzzEnv } from "../support/fuzz-env.ts";

/*
 * Targets that send any bytes, to clients with valid requests. FUZZ_SECONDS sets the duration, FUZZ_SEED repeats a failed run.
 */

const WAYS = ["GET", "HEAD", "HTTP/1.0", "with a length", "in chunks", "with Expect"] as const;

/** One request, and the target's response. */
interface Exchange {
  readonly way: (typeof WAYS)[number];
  readonly script: Script;
  /** Whether the target responds before the request is complete. */
  readonly early: boolean;
  /** Whether the client reads nothing until the target has sent everything. */
  readonly readsLate: boolean;
}

/** Concurrent exchanges over the same pool of connections. */
interface Run {
  readonly exchanges: readonly Exchange[];
  /** Whether the target stops sending within responses, so that the run waits for limits. */
  readonly isPatient: boolean;
  /** Bytes that the target sends before a request. */
  readonly greeting: string;
}

const GREETINGS = ["\r\n", "\0", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nX: ", "220 ready\r\n"];

const aRun: fc.Arbitrary<Run> = fc.record({
  exchanges: fc.array(
    fc.record({
      way: fc.constantFrom(...WAYS),
      script: arbitraryResponse,
      early: rarely(6),
      readsLate: rarely(12),
    }),
    { minLength: 1, maxLength: 16, size: "max" },
  ),
  isPatient: rarely(60),
  greeting: fc.oneof(
    { arbitrary: fc.constant(""), weight: 15 },
    { arbitrary: fc.constantFrom(...GREETINGS), weight: 1 },
  ),
});

/** The response to the request with a mark. */
interface Part {
  readonly pieces: readonly string[];
  readonly ending: Ending;
  readonly early: boolean;
  /** Called when the target receives the request. @param isLate it ends the connection after the response before. */
  readonly begins: (asked: ReceivedFuzzRequest, isLate: boolean) => void;
  /** Called once everything is sent, or the connection has ended. */
  readonly said: () => void;
}

const parts = new Map<string, Part>();
/** Those that the target ends after a response: a request that crosses the end is lost (RFC 9112 §9.5). */
const endedConnections = new WeakSet<Socket>();
let world: FuzzEnv;
let target: StrictUpstream;
let token: string;
beforeAll(async () => {
  world = await startFuzzEnv();
  target = await startStrictUpstream((asked) => void speak(asked));
  token = await world.open({ uri: target.url });
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

async function speak(asked: ReceivedFuzzRequest): Promise<void> {
  const part = parts.get(valuesOf(asked.head, "x-mark").join());
  if (part === undefined) return void target.faults.push(`no client's request: ${asked.head.start}`);
  const whole = asked.whole.then(({ bytes }) => {
    if (marksIn(bytes).length !== 1) target.faults.push(`two requests in one: ${bytes}`);
  });
  if (!part.early) await whole;
  part.begins(asked, endedConnections.has(asked.socket));
  if (part.ending !== "none") endedConnections.add(asked.socket);
  await sendPieces(asked.socket, part.pieces, part.ending);
  part.said();
}

const OK = `HTTP/1.1 200 OK\r\nX-Mark: ${MARK}\r\n`;
const LARGE = MARK.repeat(500_000);

/** Known streams, which are tested separately. */
const ROWS: readonly (readonly [string, string, Partial<Script & Exchange & Run>])[] = [
  [
    "a body without length that is reset while it is not read",
    `${OK}\r\n${LARGE}`,
    { ending: "reset", readsLate: true },
  ],
  [
    "a body in chunks that is reset while it is not read",
    `${OK}Transfer-Encoding: chunked\r\n\r\n3d0900\r\n${LARGE}`,
    { ending: "reset", readsLate: true },
  ],
  ["a body that ends while it is not read", `${OK}\r\n${LARGE}`, { ending: "fin", readsLate: true }],
];

test.each(ROWS)("%s does no harm", async (_name, bytes, given) => {
  const { way = "GET", early = false, readsLate = false, isPatient = false, greeting = "" } = given;
  const script: Script = { bytes, isSound: false, cuts: [], ending: "none", ...given };
  const exchange: Exchange = { way, script, early, readsLate };
  await play({ exchanges: [exchange, exchange], isPatient, greeting });
});

test(
  "no response of a target harms the service, outlasts its limits, reaches another client, or looks complete when it is not",
  { timeout: FUZZ_TIMEOUT_MS },
  async () => {
    await fuzz(aRun, play);
    await target.drained();
    await world.expectNothingInFlight();
  },
);

async function play({ exchanges, isPatient, greeting }: Run): Promise<void> {
  target.greeting = greeting;
  const played = await Promise.allSettled(exchanges.map((exchange) => exchanged(exchange, isPatient)));
  parts.clear();
  await world.expectUnharmed();
  for (const one of played) if (one.status === "rejected") throw one.reason;
  expect(target.faults.splice(0)).toEqual([]);
}

let exchangeCount = 0;

async function exchanged({ way, script, early, readsLate }: Exchange, isPatient: boolean): Promise<void> {
  exchangeCount += 1;
  const mark = markOf(exchangeCount);
  const method = way === "HEAD" ? "HEAD" : "GET";
  const bytes = script.bytes.replaceAll(MARK, mark);
  const meant = readResponse(bytes, { method });
  const ending = meant.kind !== "whole" && script.ending === "none" && !isPatient ? "fin" : script.ending;
  // For any gateway, late bytes of a target are its next response, so nothing after the end of a response is removed.
  const last = meant.kind === "whole" ? meant.message.end : bytes.length;
  const said = deferred<void>();
  let asked: ReceivedFuzzRequest | undefined;
  let isLate = false;
  parts.set(mark, {
    pieces: inPieces(bytes, script.cuts, last),
    ending,
    early,
    begins: (by, crossesEnd) => ([asked, isLate] = [by, crossesEnd]),
    said: said.resolve,
  });

  await using connection = await openRawConnection(world.port);
  if (readsLate) connection.socket.pause();
  connection.send(requestOf(way, mark));
  if (readsLate) {
    const soon = new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.race([said.promise, soon]);
    connection.socket.resume();
  }
  const response = await answerOn(connection, method);
  const told = asked === undefined ? "" : asked.greeting + bytes;
  const expected = readResponse(told, { method, isEnded: ending === "fin" });
  const what = `${way}, response ${printable(told)}, then ${ending}, received ${printable(connection.received())}`;
  expect(
    marksIn(connection.received()).filter((other) => other !== mark),
    what,
  ).toEqual([]);
  expect(response.kind, what).not.toBe("malformed");
  // Others are sent once more.
  const isLost = isLate && (way === "with a length" || way === "in chunks" || way === "with Expect");
  const isSound = script.isSound && asked?.greeting === "" && !isLost && !early && ending !== "reset";
  if (response.kind !== "whole") return expect(isSound && expected.kind === "whole", what).toBe(false);
  await expectNothingElse(connection, response.message, what);
  if (valuesOf(response.message, "proxy-status").length > 0) {
    expect([502, 504], what).toContain(statusOf(response.message));
    return expect(isSound && expected.kind === "whole", what).toBe(false);
  }
  // A reset that ends a body without length or chunks is so far treated as its end.
  if (ending === "reset" && expected.kind === "cut") return;
  expect(expected.kind, what).toBe("whole");
  if (expected.kind !== "whole") return;
  expect(statusOf(response.message), what).toBe(statusOf(expected.message));
  expect(response.message.body === expected.message.body, what).toBe(true);
}

async function answerOn(connection: RawConnection, method: string): Promise<ParseResult> {
  let isEnded = false;
  const closed = connection.closed.then((how) => (isEnded = how === "ended"));
  const read = (): ParseResult => readResponse(connection.received(), { method, isEnded });
  const enough = connection.until(() => read().kind !== "cut").catch(() => closed);
  await within(enough, "a response or the end of the connection");
  return read();
}

/** Expects only the response to the next request after this one, if the connection is still open. */
async function expectNothingElse(connection: RawConnection, response: Message, what: string): Promise<void> {
  connection.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1", headers: ["Connection: close"] }));
  await within(connection.closed, "the end of a connection");
  const rest = connection.received().slice(response.end);
  if (rest === "") return;
  expect(rest, what).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\{"status":"ok"\}$/);
}

function requestOf(way: Exchange["way"], mark: string): string {
  const head = (line: string, ...headers: string[]): string =>
    requestHead(token, { line, headers: [`X-Mark: ${mark}`, ...headers] });
  switch (way) {
    case "GET":
    case "HEAD":
      return head(`${way} / HTTP/1.1`);
    case "HTTP/1.0":
      return head("GET / HTTP/1.0");
    case "with a length":
      return head("POST / HTTP/1.1", "Content-Length: 16") + mark + mark;
    case "in chunks":
      return `${head("POST / HTTP/1.1", "Transfer-Encoding: chunked")}8\r\n${mark}\r\n0\r\n\r\n`;
    case "with Expect":
      return head("POST / HTTP/1.1", "Content-Length: 8", "Expect: 100-continue") + mark;
  }
}
