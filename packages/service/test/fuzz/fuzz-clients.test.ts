import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatToken } from "capability-protocol";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { openRawConnection } from "../../../testkit/src/raw-connection.ts";
import type { Message, ParseResult } from "../support/fuzz-parser.ts";
import { readResponse, readRequest, valuesOf } from "../support/fuzz-parser.ts";
import type { TokenName } from "../support/fuzz-requests.ts";
import { arbitraryRequestStream, withTokens } from "../support/fuzz-requests.ts";
import { fuzz, FUZZ_TIMEOUT_MS, rarely, within } from "../support/fuzz-run.ts";
import type { Script } from "../support/fuzz-script.ts";
import { inPieces, MARK, markOf, marksIn, sendPieces, printable } from "../support/fuzz-script.ts";
import type { ReceivedFuzzRequest, StrictUpstream } from "../support/fuzz-upstream.ts";
import { startStrictUpstream } from "../support/fuzz-upstream.ts";
import type { FuzzEnv } from "../support/fuzz-env.ts";
import { startFuzzEnv } from "../support/fuzz-env.ts";

/*
 * Clients that send any bytes, to targets with valid responses. FUZZ_SECONDS sets the duration, FUZZ_SEED repeats a failed run.
 */

/** Concurrent streams, each on a separate connection. */
interface Run {
  readonly streams: readonly Script[];
  /** Whether clients stop sending within requests, so that the run waits for timeouts. */
  readonly isPatient: boolean;
}

/** Each client has its own capabilities, so that the target can attribute every request. */
const LANES = 16;

const aRun: fc.Arbitrary<Run> = fc.record({
  streams: fc.array(arbitraryRequestStream, { minLength: 1, maxLength: LANES, size: "max" }),
  isPatient: rarely(60),
});

interface Lane {
  readonly tokens: Readonly<Record<TokenName, string>>;
  /** Complete requests that the target received, in order. */
  readonly arrived: { readonly message: Message; readonly bytes: string }[];
}

const lanes: Lane[] = [];
let world: FuzzEnv;
let target: StrictUpstream;
beforeAll(async () => {
  world = await startFuzzEnv();
  target = await startStrictUpstream((asked) => void echo(asked));
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
  const unknown = formatToken(new Uint8Array(64).fill(1));
  for (let lane = 0; lane < LANES; lane += 1) {
    const uri = `${target.url}${lane}`;
    const plain = await world.open({ uri, allowQuery: true });
    const signed = await world.open({ uri, allowQuery: true, hmac });
    lanes.push({ tokens: { plain, signed, create: world.tokens.create, unknown }, arrived: [] });
  }
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** `METHOD /LANE?QUERY HTTP/1.1` */
const ARRIVING = /^(\S+) \/(\d+)(\S*) /;

/** Responds with the method and the query, alternately in chunks and with a length. */
async function echo({ socket, whole }: ReceivedFuzzRequest): Promise<void> {
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
  // Other requests, and later bytes on the client's connection, arrive within the response.
  await sendPieces(socket, inPieces(bytes, [2_000, 4_000, 6_000, 8_000]), "none");
}

test(
  "no stream of a client harms the service, outlasts its limits, is mixed with another, or is parsed differently",
  { timeout: FUZZ_TIMEOUT_MS },
  async () => {
    await fuzz(aRun, play);
    await target.drained();
    await world.expectNothingInFlight();
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

  await using connection = await openRawConnection(world.port);
  let isEnded = false;
  const closed = connection.closed.then((how) => (isEnded = how === "ended"));
  const saying = sendPieces(connection.socket, inPieces(bytes, script.cuts), ending);
  // An incomplete request lasts until the service closes the connection.
  const isEnough = (): boolean =>
    rest === "" &&
    ending === "none" &&
    answersIn(connection.received(), asked, false).length >= requests.length;
  await within(
    connection.until(isEnough).catch(() => closed),
    `responses to ${printable(bytes)}, or the end of the connection; so far ${printable(connection.received())}`,
  );
  await saying;
  const received = connection.received();
  const what = `sent ${printable(bytes)}, then ${ending}, received ${printable(received)}`;
  expect(
    marksIn(received).filter((other) => other !== mark),
    what,
  ).toEqual([]);
  const responses = answersIn(received, asked, isEnded);
  expect(responses.length, what).toBeLessThanOrEqual(asked.length);
  responses.forEach((response, index) => {
    const [echoed] = valuesOf(response, "x-echo");
    if (echoed === undefined) return;
    const request = requests[index];
    expect(request && said(request), what).toBe(echoed);
    expect(response.body, what).toBe(echoed.startsWith("HEAD") ? "" : echoed);
  });
  if (script.isSound && ending === "none") {
    expect(
      responses.map((response) => valuesOf(response, "x-echo").join()),
      what,
    ).toEqual(requests.map(said));
  }
  expectInOrder(arrived, requests, mark, what);
}

/** Returns the body of a target's response to a request. */
function said({ start }: Message): string {
  const [, method = "", query = ""] = /^(\S+) +[^? ]*(\S*) /.exec(start) ?? [];
  return `${method}${query}`;
}

/** Parses the complete requests in a stream, and the bytes after them. */
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

/** Parses the complete responses; fails for other bytes. `asked` has the beginnings of the requests, in order. */
function answersIn(received: string, asked: readonly string[], isEnded: boolean): readonly Message[] {
  const responses: Message[] = [];
  let at = 0;
  while (at < received.length) {
    const method = asked[responses.length]?.startsWith("HEAD ") ? "HEAD" : "GET";
    const reading: ParseResult = readResponse(received, { from: at, method, isEnded });
    if (reading.kind === "malformed") throw new Error(`${reading.why}: ${printable(received)}`);
    if (reading.kind === "cut") break;
    responses.push(reading.message);
    at = reading.message.end;
  }
  return responses;
}

/** Expects that the received requests are a subsequence of those that this client sent. */
function expectInOrder(
  arrived: Lane["arrived"],
  requests: readonly Message[],
  mark: string,
  what: string,
): void {
  let next = 0;
  for (const { message, bytes } of arrived) {
    const marks = marksIn(bytes);
    expect(marks.length, what).toBeLessThan(2);
    // One of an earlier stream, whose client has disconnected, may arrive late.
    if (marks.some((other) => other !== mark)) continue;
    const [, method, , query] = ARRIVING.exec(message.start) ?? [];
    const found = requests.findIndex(
      (request, index) =>
        index >= next && said(request) === `${method}${query}` && request.body === message.body,
    );
    expect(found, `arrived ${printable(bytes)}, ${what}`).toBeGreaterThanOrEqual(next);
    next = found + 1;
  }
}
