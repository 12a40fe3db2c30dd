import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { promised } from "../src/testkit/promised.ts";
import { openWire, requestHead } from "../src/testkit/wire.ts";
import type { Wire } from "../src/testkit/wire.ts";
import { anAnswer } from "./fuzz-answers.ts";
import type { Message, Reading } from "./fuzz-reader.ts";
import { readAnswer, statusOf, valuesOf } from "./fuzz-reader.ts";
import { fuzz, FUZZ_TIMEOUT_MS, rarely, within } from "./fuzz-run.ts";
import type { Ending, Script } from "./fuzz-script.ts";
import { inPieces, MARK, markOf, marksIn, say, shown } from "./fuzz-script.ts";
import type { Asked, StrictTarget } from "./fuzz-target.ts";
import { startStrictTarget } from "./fuzz-target.ts";
import type { FuzzWorld } from "./fuzz-world.ts";
import { startFuzzWorld } from "./fuzz-world.ts";

/*
 * Targets that say anything at all, to requesters whose requests are as they should be. FUZZ_SECONDS sets for how long,
 * FUZZ_SEED plays again what failed.
 */

const WAYS = ["GET", "HEAD", "HTTP/1.0", "with a length", "in chunks", "with Expect"] as const;

/** One request, and what the target says to it. */
interface Exchange {
  readonly way: (typeof WAYS)[number];
  readonly script: Script;
  /** Whether the target speaks before the request is whole. */
  readonly early: boolean;
  /** Whether the requester reads nothing until the target has said all. */
  readonly readsLate: boolean;
}

/** Exchanges side by side, over the same pool of connections. */
interface Run {
  readonly exchanges: readonly Exchange[];
  /** Whether the target falls silent where it should go on, so that limits are waited for. */
  readonly isPatient: boolean;
  /** Said by the target before it is asked. */
  readonly greeting: string;
}

const GREETINGS = ["\r\n", "\0", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nX: ", "220 ready\r\n"];

const aRun: fc.Arbitrary<Run> = fc.record({
  exchanges: fc.array(
    fc.record({
      way: fc.constantFrom(...WAYS),
      script: anAnswer,
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

/** What is to be said to the request with a mark. */
interface Part {
  readonly pieces: readonly string[];
  readonly ending: Ending;
  readonly early: boolean;
  /** Told that the target is asked. */
  readonly begins: (asked: Asked) => void;
  /** Told once all is said, or the connection is over. */
  readonly said: () => void;
}

const parts = new Map<string, Part>();
let world: FuzzWorld;
let target: StrictTarget;
let door: string;
beforeAll(async () => {
  world = await startFuzzWorld();
  target = await startStrictTarget((asked) => void speak(asked));
  door = await world.open({ uri: target.url });
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

async function speak(asked: Asked): Promise<void> {
  const part = parts.get(valuesOf(asked.head, "x-mark").join());
  if (part === undefined) return void target.faults.push(`nobody's request: ${asked.head.start}`);
  const whole = asked.whole.then(({ bytes }) => {
    if (marksIn(bytes).length !== 1) target.faults.push(`two requests in one: ${bytes}`);
  });
  if (!part.early) await whole;
  part.begins(asked);
  await say(asked.socket, part.pieces, part.ending);
  part.said();
}

const OK = `HTTP/1.1 200 OK\r\nX-Mark: ${MARK}\r\n`;
const LARGE = MARK.repeat(500_000);

/** Known streams, each by itself. */
const ROWS: readonly (readonly [string, string, Partial<Script & Exchange & Run>])[] = [
  [
    "a body without length that is reset while nobody reads it",
    `${OK}\r\n${LARGE}`,
    { ending: "reset", readsLate: true },
  ],
  [
    "a body in chunks that is reset while nobody reads it",
    `${OK}Transfer-Encoding: chunked\r\n\r\n3d0900\r\n${LARGE}`,
    { ending: "reset", readsLate: true },
  ],
  ["a body that ends while nobody reads it", `${OK}\r\n${LARGE}`, { ending: "fin", readsLate: true }],
];

test.each(ROWS)("%s: as above", async (_name, bytes, given) => {
  const { way = "GET", early = false, readsLate = false, isPatient = false, greeting = "" } = given;
  const script: Script = { bytes, isSound: false, cuts: [], ending: "none", ...given };
  const exchange: Exchange = { way, script, early, readsLate };
  await play({ exchanges: [exchange, exchange], isPatient, greeting });
});

test(
  "no answer of a target harms the service, outlasts its limits, reaches somebody else, or looks whole when it is not",
  { timeout: FUZZ_TIMEOUT_MS },
  async () => {
    await fuzz(aRun, play);
    await target.drained();
    await world.expectNothingUnderWay();
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
  const meant = readAnswer(bytes, { method });
  const ending = meant.kind !== "whole" && script.ending === "none" && !isPatient ? "fin" : script.ending;
  // What a target says late is its own next answer, to any gateway: behind the end of an answer nothing is cut off it.
  const last = meant.kind === "whole" ? meant.message.end : bytes.length;
  const said = promised<void>();
  let asked: Asked | undefined;
  parts.set(mark, {
    pieces: inPieces(bytes, script.cuts, last),
    ending,
    early,
    begins: (by) => (asked = by),
    said: said.resolve,
  });

  await using wire = await openWire(world.port);
  if (readsLate) wire.socket.pause();
  wire.send(requestOf(way, mark));
  if (readsLate) {
    const soon = new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.race([said.promise, soon]);
    wire.socket.resume();
  }
  const answer = await answerOn(wire, method);
  const told = asked === undefined ? "" : asked.greeting + bytes;
  const judged = readAnswer(told, { method, isEnded: ending === "fin" });
  const what = `asked ${way}, told ${shown(told)}, then ${ending}, answered ${shown(wire.received())}`;
  expect(
    marksIn(wire.received()).filter((other) => other !== mark),
    what,
  ).toEqual([]);
  expect(answer.kind, what).not.toBe("malformed");
  const isSound = script.isSound && asked?.greeting === "" && !early && ending !== "reset";
  if (answer.kind !== "whole") return expect(isSound && judged.kind === "whole", what).toBe(false);
  await expectNothingElse(wire, answer.message, what);
  if (valuesOf(answer.message, "proxy-status").length > 0) {
    expect([502, 504], what).toContain(statusOf(answer.message));
    return expect(isSound && judged.kind === "whole", what).toBe(false);
  }
  // A reset that ends a body without length or chunks is taken for its end, so far.
  if (ending === "reset" && judged.kind === "cut") return;
  expect(judged.kind, what).toBe("whole");
  if (judged.kind !== "whole") return;
  expect(statusOf(answer.message), what).toBe(statusOf(judged.message));
  expect(answer.message.body === judged.message.body, what).toBe(true);
}

async function answerOn(wire: Wire, method: string): Promise<Reading> {
  let isEnded = false;
  const closed = wire.closed.then((how) => (isEnded = how === "ended"));
  const read = (): Reading => readAnswer(wire.received(), { method, isEnded });
  const enough = wire.until(() => read().kind !== "cut").catch(() => closed);
  await within(enough, "an answer or the end of the connection");
  return read();
}

/** Behind the answer stands what is asked next on the same connection, if it is still open, and nothing else. */
async function expectNothingElse(wire: Wire, answer: Message, what: string): Promise<void> {
  wire.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1", headers: ["Connection: close"] }));
  await within(wire.closed, "the end of a connection");
  const rest = wire.received().slice(answer.end);
  if (rest === "") return;
  expect(rest, what).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\{"status":"ok"\}$/);
}

function requestOf(way: Exchange["way"], mark: string): string {
  const head = (line: string, ...headers: string[]): string =>
    requestHead(door, { line, headers: [`X-Mark: ${mark}`, ...headers] });
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
