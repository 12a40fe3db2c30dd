import { afterAll, beforeAll, expect, test } from "vitest";
import { createMembrane, exportThrough } from "../src/testkit/client.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { speaker } from "../src/testkit/speaker.ts";
import { startRawTarget, startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { openWire, readWireAnswer, requestHead } from "../src/testkit/wire.ts";
import { BODIES, HEADS } from "./target-record.ts";
import type { Outcome, TargetRow } from "./target-record.ts";

/*
 * Beside hostile-target.test.ts, which asks whether anything breaks: here the requester's connection is read to its last
 * byte, since an answer of one target that is framed wrongly becomes the answer of the next one. docs/http1-record.md
 * says why each row is decided as it is.
 */

let service: TestService;
let exporting: string;
let other: TestTarget;
let otherDoor: string;
beforeAll(async () => {
  service = await startTestService();
  ({ export: exporting } = await createMembrane(service, service.tokens.create, "record"));
  other = await startTarget((_request, response) => void response.end("other"));
  otherDoor = await exportThrough(service, exporting, { uri: other.url });
});
afterAll(async () => {
  await service.close();
  await other[Symbol.asyncDispose]();
});

/** Says the row to the first request and something sound to all others, whichever connection they come on. */
function startRowTarget({ sends, closes = false }: TargetRow): ReturnType<typeof startRawTarget> {
  let answered = 0;
  const answer = speaker("", (socket) => {
    answered += 1;
    const bytes = answered === 1 ? sends : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean";
    socket.write(Buffer.from(bytes, "latin1"));
    if (answered === 1 && closes) socket.end();
  });
  return startRawTarget(answer);
}

/** Everything that a requester gets on a connection for this one request. */
async function readToTheEnd(door: string, method = "GET"): Promise<string> {
  await using wire = await openWire(service.port);
  wire.send(requestHead(door, { line: `${method} / HTTP/1.1`, headers: ["Connection: close"] }));
  await wire.closed;
  return wire.received();
}

function expectOutcome(received: string, outcome: Outcome, method: string | undefined): void {
  const answer = readWireAnswer(received, method);
  if (outcome.is === "cut") {
    expect(received).toMatch(/^HTTP\/1\.1 200 /);
    return expect(answer).toBeUndefined();
  }
  const { status, body, framing } = outcome.is === "refused" ? refusal(answer?.body, method) : outcome;
  expect(answer).toMatchObject({ status, body, rest: "" });
  expect(answer?.headers.get("content-length")).toEqual(/^\d+$/.test(framing) ? [framing] : undefined);
  expect(answer?.headers.get("transfer-encoding")).toEqual(framing === "chunked" ? ["chunked"] : undefined);
  expect(answer?.headers.get("proxy-status")).toEqual(
    outcome.is === "refused" ? ["membrane; error=http_response_incomplete"] : undefined,
  );
}

/** A refusal says its code in its body, which a HEAD has not. */
function refusal(body = "", method = "GET"): { status: number; body: string; framing: string } {
  if (method === "GET") expect(JSON.parse(body)).toMatchObject({ code: "target_incomplete" });
  return { status: 502, body, framing: "117" };
}

test.each([...HEADS, ...BODIES])(
  "a target that sends $name: $outcome.is, and nothing of it is found in what comes after",
  async (row) => {
    await using target = await startRowTarget(row);
    const door = await exportThrough(service, exporting, { uri: target.url });
    const received = await readToTheEnd(door, row.method);
    expectOutcome(received, row.outcome, row.method);
    expect(received).not.toContain("evil");
    expectOutcome(await readToTheEnd(otherDoor), wholeOf("other"), "GET");
    expectOutcome(await readToTheEnd(door), wholeOf("clean"), "GET");
  },
);

function wholeOf(body: string): Outcome {
  return { is: "whole", status: 200, body, framing: String(body.length) };
}
