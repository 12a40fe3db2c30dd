import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { LISTENERS } from "../support/http-adapters.ts";
import { readRequest, readResponse } from "../support/fuzz-parser.ts";
import type { TokenName } from "../support/fuzz-requests.ts";
import { arbitraryRequest, withTokens } from "../support/fuzz-requests.ts";
import { fuzz, FUZZ_TIMEOUT_MS, rarely, sendRequest, within } from "../support/fuzz-run.ts";
import type { Script } from "../support/fuzz-script.ts";
import { inPieces, MARK, printable, sendPieces } from "../support/fuzz-script.ts";
import type { StrictUpstream } from "../support/fuzz-upstream.ts";
import { startStrictUpstream } from "../support/fuzz-upstream.ts";

/*
 * The same bytes to each adapter of a listener: what reaches the target, and what reaches the client, must be the same. FUZZ_SECONDS sets
 * the duration, FUZZ_SEED repeats a failed run.
 */

/** Requests on one connection. */
interface Run {
  readonly requests: readonly Script[];
  /** All are sent at once; otherwise each when the response to the one before has come. */
  readonly isPipelined: boolean;
}

/** A request that comes up to three times: what is made of a head is used again while the head repeats. */
const repeatedRequest = fc
  .tuple(arbitraryRequest, fc.integer({ min: 1, max: 3 }))
  .map(([request, times]) => Array.from({ length: times }, () => request));

const aRun: fc.Arbitrary<readonly Run[]> = fc.array(
  fc
    .tuple(fc.array(repeatedRequest, { minLength: 1, maxLength: 4 }), rarely(3))
    .map(([requests, isPipelined]): Run => ({ requests: requests.flat(), isPipelined })),
  { minLength: 1, maxLength: 16, size: "max" },
);

/** A connection that is closed with more unread bytes than one read is reset, and the reset may overtake the response. */
const MAX_UNREAD = 32_768;

/** A service with one adapter, and what its target has received for each mark. */
interface Side {
  readonly adapter: string;
  readonly service: TestService;
  readonly target: StrictUpstream;
  readonly tokens: Readonly<Record<TokenName, string>>;
  readonly arrived: Map<string, string[]>;
}

const sides: Side[] = [];
beforeAll(async () => {
  for (const { adapter, listenHttp } of LISTENERS) {
    const arrived: Side["arrived"] = new Map();
    const target = await startStrictUpstream(({ socket, whole }) => {
      void whole.then(({ bytes, message }) => {
        const mark = /Z[a-z]\d{6}/.exec(bytes)?.[0] ?? "";
        // How a body is cut in chunks depends on the moments in which its pieces came.
        const [head = ""] = comparable(bytes).split("\r\n\r\n");
        arrived.set(mark, [...(arrived.get(mark) ?? []), head, comparable(message.body)]);
        socket.write(`HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: ${mark.length}\r\n\r\n`);
        if (!bytes.startsWith("HEAD ")) socket.write(mark);
      });
    });
    const service = await startTestService({
      listenHttp,
      // The same signature for the same request.
      now: () => new Date("2026-01-01T00:00:00Z"),
    });
    const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
    const plain = await exportTarget(service, { uri: target.url, allowQuery: true });
    const signed = await exportTarget(service, { uri: target.url, allowQuery: true, hmac });
    // Nothing that waits for the store: whether a refusal comes before the whole body was read would depend on that.
    const tokens = { plain: plain.token, signed: signed.token, create: plain.token, unknown: "CPBLTY1-no" };
    for (const token of [plain.token, signed.token]) await sendRequest(service.port, requestHead(token));
    sides.push({ adapter, service, target, tokens, arrived });
  }
});
afterAll(async () => {
  for (const { service, target } of sides) {
    await service.close();
    await target[Symbol.asyncDispose]();
  }
});

test(
  "requests get the same response, and targets the same requests, whichever adapter reads them",
  { timeout: FUZZ_TIMEOUT_MS },
  () => fuzz(aRun, async (runs) => void (await Promise.all(runs.map(compare)))),
);

let runs = 0;

/** How the connections of a mark ended. */
const ends = new Map<string, string[]>();

async function compare({ requests, isPipelined }: Run): Promise<void> {
  runs += 1;
  const mark = `Zz${String(runs).padStart(6, "0")}`;
  const sent = requests.map(({ bytes }) => bytes).join("");
  const isAtOnce = isPipelined && sent.length <= MAX_UNREAD;
  const played = sides.map((side) => (isAtOnce ? playAtOnce : play)(side, requests, mark));
  const [reference, ...others] = await Promise.all(played);
  const sending = requests.map(({ bytes, cuts }) => `${printable(bytes)} cut at ${JSON.stringify(cuts)}`);
  const what = `${sending.join()}, and the connections ${ends.get(mark)?.join()}`;
  ends.delete(mark);
  for (const other of others) {
    const isReadAhead = isAtOnce && (!areWhole(sent) || [reference, other].some(isClosed));
    if (!isReadAhead && !sent.includes(CONNECT)) expect(other, what).toEqual(reference);
    else expect(haveOneBeginning(other.arrived, reference?.arrived ?? []), what).toBe(true);
  }
}

/**
 * Whether the service has closed the connection. Node's server reads ahead: what it cannot read there ends the connection before the response to
 * the request before it, and a request whose body it has read may keep the connection, which the fast lane closes.
 */
function isClosed(outcome: Outcome | undefined): boolean {
  return outcome?.received.includes("Connection: close") === true;
}

/** It ends the connection at once: what came before it may have reached its target by then, or not. */
const CONNECT = "CONNECT ";

/** Whether the bytes are requests, and nothing else. Of the extensions of chunks the reference takes more than Node does. */
function areWhole(bytes: string): boolean {
  if (bytes.includes(";")) return false;
  for (let at = 0; at < bytes.length;) {
    const asked = readRequest(bytes, at);
    if (asked.kind !== "whole") return false;
    at = asked.message.end;
  }
  return true;
}

function haveOneBeginning(some: readonly string[], others: readonly string[]): boolean {
  return some.every((text, index) => index >= others.length || text === others[index]);
}

interface Outcome {
  /** By the client. */
  readonly received: string;
  /** At the target. */
  readonly arrived: readonly string[];
}

async function play(side: Side, requests: Run["requests"], mark: string): Promise<Outcome> {
  await using connection = await openRawConnection(side.service.port);
  let isOpen = true;
  void connection.closed.then(() => (isOpen = false));
  for (const { bytes, cuts } of requests) {
    if (!isOpen) break;
    const sent = withTokens(bytes.replaceAll(MARK, mark), side.tokens);
    const asked = readRequest(sent);
    const unread = asked.kind === "whole" ? sent.length - asked.message.end : sent.length;
    if (unread > MAX_UNREAD) break;
    const before = connection.received().length;
    await sendPieces(connection.socket, inPieces(sent, cuts), "none");
    // What is no request may get no response.
    if (asked.kind !== "whole") break;
    const method = asked.message.start.startsWith("HEAD ") ? "HEAD" : "GET";
    const isWhole = (received: string): boolean =>
      readResponse(received, { from: before, method }).kind !== "cut";
    await within(
      connection.until(isWhole).catch(() => ""),
      `a response to ${printable(sent)}`,
    );
  }
  return await outcomeOf(side, connection, mark);
}

/** Sends all requests at once, and waits for as many responses as there are whole requests. */
async function playAtOnce(side: Side, requests: Run["requests"], mark: string): Promise<Outcome> {
  await using connection = await openRawConnection(side.service.port);
  const all = requests.map(({ bytes }) => withTokens(bytes.replaceAll(MARK, mark), side.tokens));
  const sent = all.join("");
  const pieces = requests.flatMap(({ cuts }, index) => inPieces(all[index] ?? "", cuts));
  // As one piece in some runs, so that one read has all of them.
  void sendPieces(connection.socket, requests[0]?.ending === "reset" ? [sent] : pieces, "none");
  const methods = methodsIn(sent);
  const areAnswered = (received: string): boolean => {
    let from = 0;
    return methods.every((method) => {
      const response = readResponse(received, { from, method });
      if (response.kind === "whole") from = response.message.end;
      return response.kind === "whole";
    });
  };
  await within(
    connection.until(areAnswered).catch(() => ""),
    `${methods.length} responses to ${printable(sent)}`,
  );
  return await outcomeOf(side, connection, mark);
}

/** Of all requests that the bytes begin with. */
function methodsIn(bytes: string): readonly string[] {
  const methods: string[] = [];
  for (let at = 0; ;) {
    const asked = readRequest(bytes, at);
    if (asked.kind !== "whole") return methods;
    methods.push(asked.message.start.startsWith("HEAD ") ? "HEAD" : "GET");
    at = asked.message.end;
  }
}

async function outcomeOf({ arrived }: Side, connection: RawConnection, mark: string): Promise<Outcome> {
  connection.socket.end();
  const end = await within(connection.closed, "the end of the connection");
  ends.set(mark, [...(ends.get(mark) ?? []), end]);
  const received = comparable(connection.received());
  const asked = arrived.get(mark) ?? [];
  arrived.delete(mark);
  return { received, arrived: asked };
}

/** Without what differs from one request, service or second to the next. */
function comparable(bytes: string): string {
  return bytes
    .replaceAll(/\r\n(Date|X-Request-Id|Host|Via|CDN-Loop|X-Amz-Content-Sha256): [^\r]*/gi, "\r\n$1: …")
    .replaceAll(/CPBLTY1-[\w-]+/g, "CPBLTY1-…")
    .replaceAll(/Credential=[^\r]*/g, "Credential=…")
    .replaceAll(/"requestId":"[^"]*"/g, '"requestId":"…"');
}
