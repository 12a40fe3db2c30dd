import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMembrane } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { OWN_REFUSALS, REFUSALS, REFUSAL_LIMITS, UNKNOWN_TOKEN, send } from "../support/refusals.ts";

/* A client of a capability knows by Proxy-Status (RFC 9209) that a response is not the target's. */

/** All others are refusals of the request. */
const OTHER_ERRORS: Readonly<Record<string, string>> = {
  target_unreachable: "destination_unavailable",
  target_timeout: "connection_timeout",
  invalid_target_response: "http_response_incomplete",
  loop_detected: "proxy_loop_detected",
  internal_error: "proxy_internal_error",
};

let service: TestService;
let target: TestTarget;
beforeAll(async () => {
  service = await startTestService({ limits: REFUSAL_LIMITS });
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

function codeOf({ body }: RawResponse): unknown {
  return body === "" ? undefined : JSON.parse(body).code;
}

test.each(Object.entries(REFUSALS))(
  "the refusal %s of an invocation carries Proxy-Status",
  async (code, ways) => {
    expect(ways.length).toBeGreaterThan(0);
    for (const provoke of ways) {
      const response = await provoke({ service, target });
      expect(codeOf(response)).toBe(code);
      const error = OTHER_ERRORS[code] ?? "http_request_denied";
      expect(response.headers.get("proxy-status")).toEqual([`membrane; error=${error}`]);
    }
  },
);

test("each documented code is provoked here, or no invocation gets it", async () => {
  const document = await readFile(new URL("../../../../docs/http-api.md", import.meta.url), "utf8");
  const rows = document.matchAll(/^\| \d{3} \| ([^|]+) \|/gm);
  const codes = Array.from(rows).flatMap(([, cell = ""]) => cell.match(/\w+/g) ?? []);
  expect(codes.toSorted()).toEqual([...OWN_REFUSALS, ...Object.keys(REFUSALS)].toSorted());
});

test("the response of a target carries none, whatever its status", async () => {
  await using refusing = await startTarget((_request, response) => {
    response.writeHead(403, { "Proxy-Status": "membrane; error=http_request_denied" }).end();
  });
  const { token } = await exportTarget(service, { uri: refusing.url });
  const response = await send(service, token);
  expect([response.status, response.headers.get("proxy-status")]).toEqual([403, undefined]);
});

test("a 401 carries no Proxy-Status, whether there was a token or not", async () => {
  for (const sent of [undefined, "malformed", UNKNOWN_TOKEN]) {
    const response = await send(service, sent);
    expect([codeOf(response), response.headers.get("proxy-status")]).toEqual(["unauthorized", undefined]);
  }
});

test("a refusal of an operation of the service itself carries no Proxy-Status, since no target would have responded", async () => {
  const membrane = await createMembrane(service, service.tokens.create, "own");
  for (const [line, headers] of [
    ["POST /other HTTP/1.1", []],
    ["GET / HTTP/1.1", []],
    ["POST / HTTP/1.1", ["Content-Length: 2", "Membrane-Operation: revoke"]],
  ] as const) {
    const response = await send(service, membrane.export, line, headers);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.headers.get("proxy-status"), line).toBeUndefined();
  }
});
