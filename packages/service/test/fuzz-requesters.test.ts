import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatToken } from "capability-protocol";
import { AWS_KEY } from "../src/testkit/aws4-judge.ts";
import { openWire } from "../src/testkit/wire.ts";
import type { Message, Reading } from "./fuzz-reader.ts";
import { readAnswer, readRequest, valuesOf } from "./fuzz-reader.ts";
import type { TokenName } from "./fuzz-requests.ts";
import { aRequestStream, withTokens } from "./fuzz-requests.ts";
import { fuzz, FUZZ_TIMEOUT_MS, rarely, within } from "./fuzz-run.ts";
import type { Script } from "./fuzz-script.ts";
import { inPieces, MARK, markOf, marksIn, say, shown } from "./fuzz-script.ts";
import type { Asked, StrictTarget } from "./fuzz-target.ts";
import { startStrictTarget } from "./fuzz-target.ts";
import type { FuzzWorld } from "./fuzz-world.ts";
import { startFuzzWorld } from "./fuzz-world.ts";

/*
 * Requesters that send anything at all, to targets that answer as they should. FUZZ_SECONDS sets for how long, FUZZ_SEED
 * plays again what failed.
 */

/** Streams side by side, each on a connection of its own. */
interface Run {
  readonly streams: readonly Script[];
  /** Whether requesters fall silent where they should go on, so that limits are waited for. */
  readonly isPatient: boolean;
}

/** Each requester has its own capabilities, so that the target knows whose a request is, whatever it holds. */
const LANES = 16;

const aRun: fc.Arbitrary<Run> = fc.record({
  streams: fc.array(aRequestStream, { minLength: 1, maxLength: LANES, size: "max" }),
  isPatient: rarely(60),
});

interface Lane {
  readonly tokens: Readonly<Record<TokenName, string>>;
  /** Requests that reached the target whole, in their order. */
  readonly arrived: { readonly message: Message; readonly bytes: string }[];
}

const lanes: Lane[] = [];
let world: FuzzWorld;
let target: StrictTarget;
beforeAll(async () => {
  world = await startFuzzWorld();
  target = await startStrictTarget((asked) => void echo(asked));
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
  const nobody = formatToken(new Uint8Array(64).fill(1));
  for (let lane = 0; lane < LANES; lane += 1) {
    const uri = `${target.url}${lane}`;
    const plain = await world.open({ uri, allowQuery: true });
    const signed = await world.open({ uri, allowQuery: true, hmac });
    lanes.push({ tokens: { plain, signed, create: world.tokens.create, nobody }, arrived: [] });
  }
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** `METHOD /LANE?QUERY HTTP/1.1` */
const ARRIVING = /^(\S+) \/(\d+)(\S*) /;

/** Answers with the method and the query; in chunks or with a length, in turns. */
async function echo({ socket, whole }: Asked): Promise<void> {
  const arrived = await whole;
  const [, method = "", lane = "", query = ""] = ARRIVING.exec(arrived.message.start) ?? [];
  lanes[Number(lane)]!.arrived.push(arrived);
  const said = `${method}${query}`;
  const body = method === "HEAD" ? "" : said;
  const framed =
    Number(lane) % 2 === 0
      ? `Content-Length: ${said.length}\r\n\r\n${body}`
      : `Transfer-Encoding: chunked\r\n\r\n${body && `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`}`;
  const bytes = `HTTP/1.1 200 OK\r\nX-Echo: ${said}\r\n${framed}`;
  // Other requests, and what else comes on the requester's connection, get their turns within the answer.
  await say(socket, inPieces(bytes, [2_000, 4_000, 6_000, 8_000]), "none");
}

test(
  "no stream of a requester harms the service, outlasts its limits, is mixed with another, or is read as something else",
  { timeout: FUZZ_TIMEOUT_MS },
  async () => {
    await fuzz(aRun, play);
    await target.drained();
    await world.expectNothingUnderWay();
  },
);

async function play({ streams, isPatient }: Run): Promise<void> {
  const played = await Promise.allSettled(
    streams.map((script, lane) => streamed(script, lanes[lane]!, isPatient)),
  );
  await world.expectUnharmed();
  for (const { arrived } of lanes) arrived.splice(0);
  for (const one of played) if (one.status === "rejected") throw one.reason;
  expect(target.faults.splice(0)).toEqual([]);
}

let streamCount = 0;

async function streamed(script: Script, { tokens, arrived }: Lane, isPatient: boolean): Promise<void> {
  streamCount += 1;
  const mark = markOf(streamCount);
  const bytes = withTokens(script.bytes.replaceAll(MARK, mark), tokens);
  const { requests, rest } = requestsIn(bytes);
  const asked = [...requests.map(({ start }) => start), ...(rest === "" ? [] : [rest])];
  const ending = rest !== "" && script.ending === "none" && !isPatient ? "fin" : script.ending;

  await using wire = await openWire(world.port);
  let isEnded = false;
  const closed = wire.closed.then((how) => (isEnded = how === "ended"));
  const saying = say(wire.socket, inPieces(bytes, script.cuts), ending);
  // What is not whole is waited for until the service closes the connection.
  const isEnough = (): boolean =>
    rest === "" && ending === "none" && answersIn(wire.received(), asked, false).length >= requests.length;
  await within(
    wire.until(isEnough).catch(() => closed),
    `answers to ${shown(bytes)}, or the end of the connection; so far ${shown(wire.received())}`,
  );
  await saying;
  const received = wire.received();
  const what = `sent ${shown(bytes)}, then ${ending}, received ${shown(received)}`;
  expect(
    marksIn(received).filter((other) => other !== mark),
    what,
  ).toEqual([]);
  const answers = answersIn(received, asked, isEnded);
  expect(answers.length, what).toBeLessThanOrEqual(asked.length);
  answers.forEach((answer, index) => {
    const [echoed] = valuesOf(answer, "x-echo");
    if (echoed === undefined) return;
    const request = requests[index];
    expect(request && said(request), what).toBe(echoed);
    expect(answer.body, what).toBe(echoed.startsWith("HEAD") ? "" : echoed);
  });
  if (script.isSound && ending === "none") {
    expect(
      answers.map((answer) => valuesOf(answer, "x-echo").join()),
      what,
    ).toEqual(requests.map(said));
  }
  expectInOrder(arrived, requests, mark, what);
}

/** What a target says to a request. */
function said({ start }: Message): string {
  const [, method = "", query = ""] = /^(\S+) +[^? ]*(\S*) /.exec(start) ?? [];
  return `${method}${query}`;
}

/** Whole requests in a stream, and the bytes that follow them and are none. */
function requestsIn(bytes: string): { readonly requests: readonly Message[]; readonly rest: string } {
  const requests: Message[] = [];
  let at = 0;
  for (;;) {
    const reading = readRequest(bytes, at);
    if (reading.kind !== "whole") return { requests, rest: bytes.slice(at).replace(/^[\r\n]+/, "") };
    requests.push(reading.message);
    at = reading.message.end;
  }
}

/** The whole answers; fails when what came is none. `asked`: what begins like the requests, in their order. */
function answersIn(received: string, asked: readonly string[], isEnded: boolean): readonly Message[] {
  const answers: Message[] = [];
  let at = 0;
  while (at < received.length) {
    const method = asked[answers.length]?.startsWith("HEAD ") ? "HEAD" : "GET";
    const reading: Reading = readAnswer(received, { from: at, method, isEnded });
    if (reading.kind === "malformed") throw new Error(`${reading.why}: ${shown(received)}`);
    if (reading.kind === "cut") break;
    answers.push(reading.message);
    at = reading.message.end;
  }
  return answers;
}

/** What arrived is of this requester alone, and is some of what it sent, in order, and nothing else. */
function expectInOrder(
  arrived: Lane["arrived"],
  requests: readonly Message[],
  mark: string,
  what: string,
): void {
  let next = 0;
  for (const { message, bytes } of arrived) {
    expect(
      marksIn(bytes).filter((other) => other !== mark),
      what,
    ).toEqual([]);
    const [, method, , query] = ARRIVING.exec(message.start) ?? [];
    const found = requests.findIndex(
      (request, index) =>
        index >= next && said(request) === `${method}${query}` && request.body === message.body,
    );
    expect(found, `arrived ${shown(bytes)}, ${what}`).toBeGreaterThanOrEqual(next);
    next = found + 1;
  }
}
