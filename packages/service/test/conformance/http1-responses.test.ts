import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { openRawConnection, readRawResponse, requestHead } from "../../../testkit/src/raw-connection.ts";
import { BODIES, HEADS, IN_PIECES } from "../support/http1-response-cases.ts";
import type { ResponseOutcome, ResponseCase } from "../support/http1-response-cases.ts";
import { sendPieces } from "../support/fuzz-script.ts";
import { UPSTREAM_CLIENTS } from "../support/http-adapters.ts";
import { wireError } from "../../src/http/wire-error.ts";

/*
 * Reads the client's connection to its last byte, since a response that is framed wrongly would become the response of another
 * target. hostile-upstream.test.ts tests only whether anything fails. docs/http1-conformance.md explains each row.
 */

const REFUSAL_LENGTH = String(JSON.stringify(wireError({ reason: "invalid_target_response" }).body).length);

describe.each(UPSTREAM_CLIENTS)("over $adapter:", ({ createConnection }) => {
  let service: TestService;
  let exporting: string;
  let other: TestTarget;
  let otherToken: string;
  beforeAll(async () => {
    service = await startTestService({ createConnection });
    ({ export: exporting } = await createMembrane(service, service.tokens.create, "record"));
    other = await startTarget((_request, response) => void response.end("other"));
    otherToken = await exportThrough(service, exporting, { uri: other.url });
  });
  afterAll(async () => {
    await service.close();
    await other[Symbol.asyncDispose]();
  });

  /** Starts a target that sends the row's bytes to the first request, and a valid response to all others, on any connection. */
  function startRowTarget({ sends, closes = false }: ResponseCase): ReturnType<typeof startRawTarget> {
    let responded = 0;
    const response = rawResponder("", (socket) => {
      responded += 1;
      const bytes = responded === 1 ? sends : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean";
      socket.write(Buffer.from(bytes, "latin1"));
      if (responded === 1 && closes) socket.end();
    });
    return startRawTarget(response);
  }

  /** Returns everything that a client receives on a connection for one request. */
  async function readToTheEnd(token: string, method = "GET"): Promise<string> {
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token, { line: `${method} / HTTP/1.1`, headers: ["Connection: close"] }));
    await connection.closed;
    return connection.received();
  }

  function expectOutcome(received: string, outcome: ResponseOutcome, method: string | undefined): void {
    const response = readRawResponse(received, method);
    if (outcome.is === "cut") {
      expect(received).toMatch(/^HTTP\/1\.1 200 /);
      return expect(response).toBeUndefined();
    }
    const { status, body, framing } = outcome.is === "refused" ? refusal(response?.body, method) : outcome;
    expect(response).toMatchObject({ status, body, rest: "" });
    expect(response?.headers.get("content-length")).toEqual(/^\d+$/.test(framing) ? [framing] : undefined);
    expect(response?.headers.get("transfer-encoding")).toEqual(
      framing === "chunked" ? ["chunked"] : undefined,
    );
    expect(response?.headers.get("proxy-status")).toEqual(
      outcome.is === "refused" ? ["membrane; error=http_response_incomplete"] : undefined,
    );
  }

  /** The expected refusal; its code is in the body, which a response to HEAD does not have. */
  function refusal(body = "", method = "GET"): { status: number; body: string; framing: string } {
    if (method === "GET") expect(JSON.parse(body)).toMatchObject({ code: "invalid_target_response" });
    return { status: 502, body, framing: REFUSAL_LENGTH };
  }

  test.each([...HEADS, ...BODIES])(
    "a target that sends $name: $outcome.is, and nothing of it appears in the next response",
    async (row) => {
      await using target = await startRowTarget(row);
      const token = await exportThrough(service, exporting, { uri: target.url });
      const received = await readToTheEnd(token, row.method);
      expectOutcome(received, row.outcome, row.method);
      expect(received).not.toContain("evil");
      expectOutcome(await readToTheEnd(otherToken), wholeOf("other"), "GET");
      expectOutcome(await readToTheEnd(token), wholeOf("clean"), "GET");
    },
  );

  test.each(IN_PIECES)("a target that sends $name: $outcome.is, wherever it cuts its bytes", async (row) => {
    let pieces: readonly string[] = [];
    const response = rawResponder("", (socket) => void sendPieces(socket.setNoDelay(true), pieces, "none"));
    await using target = await startRawTarget(response);
    const token = await exportThrough(service, exporting, { uri: target.url });
    const cuts = Array.from(row.sends, (_, at) => [row.sends.slice(0, at), row.sends.slice(at)]);
    for (pieces of [...cuts, Array.from(row.sends)])
      expectOutcome(await readToTheEnd(token), row.outcome, row.method);
  });

  function wholeOf(body: string): ResponseOutcome {
    return { is: "whole", status: 200, body, framing: String(body.length) };
  }
});
