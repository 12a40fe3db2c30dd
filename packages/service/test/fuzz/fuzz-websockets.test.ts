import type { Socket } from "node:net";
import fc from "fast-check";
import { formatToken } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRawConnection } from "../../../testkit/src/raw-connection.ts";
import type { RawTarget } from "../../../testkit/src/target.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import type { FuzzEnv } from "../support/fuzz-env.ts";
import { startFuzzEnv } from "../support/fuzz-env.ts";
import type { Message } from "../support/fuzz-parser.ts";
import {
  readRequest,
  readRequestHead,
  readResponse,
  readResponseHead,
  statusOf,
} from "../support/fuzz-parser.ts";
import { withTokens } from "../support/fuzz-requests.ts";
import { fuzz, FUZZ_TIMEOUT_MS, MAX_WAIT_MS, within } from "../support/fuzz-run.ts";
import type { Script } from "../support/fuzz-script.ts";
import { inPieces, MARK, markOf, marksIn, printable, sendPieces } from "../support/fuzz-script.ts";
import {
  arbitraryHandshake,
  arbitrarySwitch,
  isHandshake,
  readSwitch,
  withAccept,
} from "../support/fuzz-websockets.ts";

/*
 * Handshakes of clients and 101 responses of targets, valid ones and mutations. FUZZ_SECONDS sets the duration, FUZZ_SEED repeats a
 * failed run.
 */

const LANES = 16;

interface Case {
  readonly request: Script;
  readonly response: Script;
}

const valid = ({ isSound }: Script): boolean => isSound;

/** Few cases reach far if both sides are mutated. */
const aCase: fc.Arbitrary<Case> = fc.oneof(
  fc.record({ request: arbitraryHandshake.filter(valid), response: arbitrarySwitch }),
  fc.record({ request: arbitraryHandshake, response: arbitrarySwitch.filter(valid) }),
);

const aRun: fc.Arbitrary<readonly Case[]> = fc.array(aCase, { minLength: 1, maxLength: LANES, size: "max" });

/** The target's part in a case. */
interface Part {
  readonly response: Script;
  readonly mark: string;
  readonly isSound: boolean;
  /** What the target received after the head of a handshake that it accepted. */
  received: string;
  /** Tells that the target has received more. */
  onReceived: () => void;
}

const parts = new Map<string, Part>();
const faults: string[] = [];
/** Connections of the service to the target. */
const open = new Set<Socket>();
const tokens: {
  readonly plain: string;
  readonly unknown: string;
  readonly signed: string;
  readonly create: string;
}[] = [];
let world: FuzzEnv;
let target: RawTarget;
beforeAll(async () => {
  world = await startFuzzEnv();
  target = await startRawTarget(serve);
  const unknown = formatToken(new Uint8Array(64).fill(1));
  for (let lane = 0; lane < LANES; lane += 1) {
    const plain = await world.open({ uri: `${target.url}${lane}`, allowQuery: true });
    tokens.push({ plain, unknown, signed: plain, create: world.tokens.create });
  }
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** Responds to each request of a connection with the bytes of its case, and takes what follows a handshake for the client's. */
function serve(socket: Socket): void {
  let received = "";
  let tunnel: Part | undefined;
  socket.setNoDelay(true);
  open.add(socket);
  socket.on("close", () => open.delete(socket));
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    if (tunnel === undefined) {
      const head = readRequestHead(received);
      const reading = head.kind === "whole" && isHandshake(head.message) ? head : readRequest(received);
      if (reading.kind === "malformed") faults.push(`${reading.why}: ${received}`);
      if (reading.kind !== "whole") return;
      tunnel = respond(socket, reading.message);
      received = received.slice(reading.message.end);
    }
    if (tunnel === undefined) return;
    tunnel.received += received;
    received = "";
    tunnel.onReceived();
  });
}

/** @returns the case, if the bytes that are sent accept the handshake. */
function respond(socket: Socket, request: Message): Part | undefined {
  const part = parts.get(/^\S+ +\/(\d+)/.exec(request.start)?.[1] ?? "");
  // Of a client that left before its request was sent.
  if (part === undefined) return void socket.destroy();
  const { response, mark, isSound } = part;
  const bytes = withAccept(response.bytes.replaceAll(MARK, mark), request);
  const ending = response.ending === "none" && !isSound ? "fin" : response.ending;
  void sendPieces(socket, inPieces(bytes, response.cuts), ending);
  return isHandshake(request) && readSwitch(bytes, request) !== undefined ? part : undefined;
}

test(
  "no handshake and no 101 harms the service, outlasts its limits, or opens a WebSocket that one side did not agree to",
  { timeout: FUZZ_TIMEOUT_MS },
  async () => {
    await fuzz(aRun, play);
    expect(opened).toBeGreaterThan(0);
    await expect.poll(() => open.size, { timeout: MAX_WAIT_MS }).toBe(0);
    await world.expectNothingInFlight();
  },
);

async function play(cases: readonly Case[]): Promise<void> {
  const played = await Promise.allSettled(cases.map((one, lane) => exchanged(one, lane)));
  parts.clear();
  await world.expectUnharmed();
  for (const one of played) if (one.status === "rejected") throw one.reason;
  expect(faults.splice(0)).toEqual([]);
}

let caseCount = 0;
let opened = 0;

async function exchanged({ request, response }: Case, lane: number): Promise<void> {
  caseCount += 1;
  const mark = markOf(caseCount);
  const bytes = withTokens(request.bytes.replaceAll(MARK, mark), tokens[lane]!);
  const { before, handshake, rest } = readClient(bytes);
  const isSound = [request, response].every((script) => script.isSound && script.ending === "none");
  const part: Part = { response, mark, isSound, received: "", onReceived: () => undefined };
  parts.set(String(lane), part);
  // An incomplete request lasts until its client leaves.
  const isIncomplete = handshake === undefined && rest !== "";
  const ending = isIncomplete && request.ending === "none" ? "fin" : request.ending;

  await using connection = await openRawConnection(world.port);
  const expected =
    handshake && readSwitch(withAccept(response.bytes.replaceAll(MARK, mark), handshake), handshake);
  // To each whole request, and to what follows them.
  const wanted = before + (handshake === undefined && rest === "" ? 0 : 1);
  const isEnough = (): boolean => {
    const { others, switched } = readReceived(connection.received());
    if (switched === undefined) return others >= wanted;
    return isSound && switched.length >= (expected?.length ?? 0);
  };
  const saying = sendPieces(connection.socket, inPieces(bytes, request.cuts), ending);
  const enough = connection.until(isEnough).catch(() => connection.closed);
  const context = (): string =>
    `sent ${printable(bytes)}, then ${ending}; the target's ${printable(response.bytes)}, then ${response.ending}; received ${printable(connection.received())}`;
  await within(enough, `a response, or the end of the connection, ${context()}`);
  await saying;
  if (isSound) await within(receivedAll(part, rest), `the client's bytes at the target, ${context()}`);

  const { others, switched } = readReceived(connection.received());
  expect(
    marksIn(connection.received()).filter((other) => other !== mark),
    context(),
  ).toEqual([]);
  expect(rest.startsWith(part.received), context()).toBe(true);
  if (switched === undefined) {
    expect(isSound, context()).toBe(false);
    expect(part.received, context()).toBe("");
    return;
  }
  opened += 1;
  expect([handshake !== undefined, others], context()).toEqual([true, before]);
  expect(expected?.startsWith(switched), context()).toBe(true);
}

async function receivedAll(part: Part, bytes: string): Promise<void> {
  await new Promise<void>((resolve) => {
    part.onReceived = () => void (part.received.length >= bytes.length && resolve());
    part.onReceived();
  });
}

/** Reads what a client sends: whole requests, perhaps a handshake after them, and the bytes after that. */
function readClient(bytes: string): {
  readonly before: number;
  readonly handshake?: Message;
  readonly rest: string;
} {
  let before = 0;
  let at = 0;
  for (;;) {
    const head = readRequestHead(bytes, at);
    if (head.kind === "whole" && isHandshake(head.message))
      return { before, handshake: head.message, rest: bytes.slice(head.message.end) };
    const reading = readRequest(bytes, at);
    if (reading.kind !== "whole") return { before, rest: bytes.slice(at) };
    before += 1;
    at = reading.message.end;
  }
}

/** Reads what a client received: the number of whole responses that are no 101, and the bytes after a 101. */
function readReceived(received: string): { readonly others: number; readonly switched?: string } {
  let others = 0;
  let at = 0;
  for (;;) {
    const head = readResponseHead(received, at);
    if (head.kind === "whole" && statusOf(head.message) === 101)
      return { others, switched: received.slice(head.message.end) };
    const reading = readResponse(received, { from: at });
    if (reading.kind !== "whole") return { others };
    others += 1;
    at = reading.message.end;
  }
}
