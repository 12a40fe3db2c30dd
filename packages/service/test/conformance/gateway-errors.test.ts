import type { LookupFunction } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane } from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { passTimeUntil } from "../../../testkit/src/pass-time.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

/* A response that the service sends in place of a target's says why, and reveals nothing about the target. */

const CANARY = "canary-5d6e7f";

/** Resolves names to the address in them: `10-0-0-1.test` to 10.0.0.1. */
const lookup: LookupFunction = (hostname, _options, callback) => {
  const [address = ""] = hostname.split(".");
  if (!/^\d+(-\d+){3}$/.test(address)) return callback(new Error(`no ${hostname}`), []);
  callback(null, [{ address: address.replaceAll("-", "."), family: 4 }]);
};

let service: TestService;
let strict: TestService;
/** A service with short time limits for targets. */
let hasty: TestService;
beforeAll(async () => {
  service = await startTestService({ lookup, limits: { bufferedBodyBytes: 10 } });
  strict = await startTestService({ lookup, egress: { allow: [] } });
  hasty = await startTestService({ limits: { upstreamIdleTimeoutMs: 400, upstreamConnectTimeoutMs: 200 } });
});
afterAll(() => Promise.all([service, strict, hasty].map((one) => one.close())));

function targetAt(url: string, more: object = {}): object {
  return {
    uri: new URL(`/${CANARY}-path?${CANARY}=query`, url).href,
    headers: { "X-Canary": CANARY, Cookie: CANARY },
    ...more,
  };
}

function expectGatewayError(response: CallResponse, status: number, error: string, url: string): void {
  expect(response.status).toBe(status);
  expect(response.headers["proxy-status"]).toBe(`membrane; error=${error}`);
  expect(response.headers["cache-control"]).toBe("no-store");
  expect(response.json).toMatchObject({
    statusCode: status,
    code: expect.any(String),
    message: expect.any(String),
  });
  const { hostname, port } = new URL(url);
  const shown = JSON.stringify([response.headers, response.text]);
  for (const trace of [CANARY, hostname, `:${port}`, "ECONN", "ENOTFOUND", "UND_ERR"])
    expect(shown).not.toContain(trace);
}

test("connection refused: 502 destination_unavailable", async () => {
  const url = `http://127.0.0.1:${await freePort()}/`;
  const { token } = await exportTarget(service, targetAt(url));
  expectGatewayError(await call(service, token), 502, "destination_unavailable", url);
});

test("the name has no address: 502 destination_unavailable", async () => {
  const url = "http://nowhere.test:8080/";
  const { token } = await exportTarget(service, targetAt(url));
  expectGatewayError(await call(service, token), 502, "destination_unavailable", url);
});

test("the target does not speak TLS: 502 destination_unavailable", async () => {
  await using target = await startRawTarget((socket) => socket.end("not TLS"));
  const url = target.url.replace("http:", "https:");
  const { token } = await exportTarget(service, targetAt(url));
  expectGatewayError(await call(service, token), 502, "destination_unavailable", url);
});

test.each(["10-0-0-1", "169-254-169-254", "0-0-0-0", "192-168-1-1", "100-64-0-1"])(
  "the name resolves to %s, which is forbidden: 502 http_request_denied",
  async (name) => {
    const url = `http://${name}.test:8080/`;
    const { token } = await exportTarget(service, targetAt(url));
    expectGatewayError(await call(service, token), 502, "http_request_denied", url);
  },
);

test("the name resolves to this service: 502 http_request_denied", async () => {
  const url = `http://127-0-0-1.test:${service.port}/`;
  const { token } = await exportTarget(service, targetAt(url));
  expectGatewayError(await call(service, token), 502, "http_request_denied", url);
});

test.each([
  "http://127.0.0.1/",
  "http://127.1/",
  "http://0x7f000001/",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "http://0.0.0.0/",
  "http://169.254.169.254/latest/meta-data/",
  "http://[fd00:ec2::254]/",
  "http://metadata.google.internal/",
  "http://10.0.0.1/",
  "https://membrane.test/",
])("an export of %s is a 400 that names uri", async (uri) => {
  const membrane = await createMembrane(strict, strict.tokens.create, uri);
  const response = await call(strict, membrane.export, { body: { uri } });
  expect(response).toMatchObject({ status: 400, json: { code: "invalid_field" } });
  expect(response.json.message).toMatch(/^uri: /);
});

test("the target's response is not HTTP: 502 http_response_incomplete", async () => {
  await using target = await startRawTarget(rawResponder(`${CANARY}\r\n\r\n`));
  const { token } = await exportTarget(service, targetAt(target.url));
  expectGatewayError(await call(service, token), 502, "http_response_incomplete", target.url);
});

test("the body is too large to be buffered for a signature: 413 http_request_denied", async () => {
  const url = "http://127.0.0.1:8080/";
  const key = { awsAccessKeyId: "A", region: "r", service: "lambda", secretAccessKey: CANARY };
  const { token } = await exportTarget(service, targetAt(url, { hmac: { "aws4-hmac-sha256": key } }));
  expectGatewayError(await call(service, token, { body: "x".repeat(11) }), 413, "http_request_denied", url);
});

test("the request has passed this service too often: 508 proxy_loop_detected", async () => {
  await using target = await startRawTarget(rawResponder("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const { token } = await exportTarget(service, targetAt(target.url));
  await call(service, token);
  const id = /cdn-loop: (\S+)/i.exec(target.received())?.[1];
  const headers = { "cdn-loop": Array.from({ length: 8 }, () => id).join(", ") };
  expectGatewayError(await call(service, token, { headers }), 508, "proxy_loop_detected", target.url);
});

test.each([
  ["the target's timeoutMs", { timeoutMs: 50 }],
  ["the service's limit", {}],
  ["the service's limit, though timeoutMs is larger", { timeoutMs: 3_600_000 }],
])("a target that sends nothing for %s: 504 connection_timeout", { timeout: 20_000 }, async (_name, more) => {
  await using target = await startRawTarget(() => undefined);
  const { token } = await exportTarget(hasty, targetAt(target.url, more));
  expectGatewayError(await call(hasty, token), 504, "connection_timeout", target.url);
  expectGatewayError(await call(hasty, token, { body: "body" }), 504, "connection_timeout", target.url);
});

test.each([2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER])(
  "timeoutMs %s, which is too long for a timer, has no effect",
  async (timeoutMs) => {
    await using target = await startTarget((_request, response) => {
      setTimeout(() => {
        response.write("be");
        setTimeout(() => response.end("gun"), 100);
      }, 100);
    });
    const { token } = await exportTarget(service, targetAt(target.url, { timeoutMs }));
    expect(await call(service, token)).toMatchObject({ status: 200, text: "begun" });
    expect(await call(service, token, { body: "body" })).toMatchObject({ status: 200, text: "begun" });
  },
);

test(
  "a target that never finishes the TLS handshake: 504 connection_timeout",
  { timeout: 20_000 },
  async () => {
    await using target = await startRawTarget(() => undefined);
    const url = target.url.replace("http:", "https:");
    const { token } = await exportTarget(hasty, targetAt(url));
    expectGatewayError(await call(hasty, token), 504, "connection_timeout", url);
  },
);

test("timeoutMs includes the time to connect", { timeout: 5_000 }, async () => {
  await using patient = await startTestService({ limits: { upstreamConnectTimeoutMs: 60_000 } });
  await using target = await startRawTarget(() => undefined);
  const url = target.url.replace("http:", "https:");
  const { token } = await exportTarget(patient, targetAt(url, { timeoutMs: 50 }));
  expectGatewayError(await call(patient, token), 504, "connection_timeout", url);
});

test(
  "when a target stops sending within its response, the response is aborted",
  { timeout: 20_000 },
  async () => {
    await using target = await startRawTarget(
      rawResponder("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
    );
    let now = 0;
    await using timed = await startTestService({ monotonic: () => now });
    const { token } = await exportTarget(timed, targetAt(target.url, { timeoutMs: 50 }));
    await using connection = await openRawConnection(timed.port);
    connection.send(requestHead(token));
    await connection.until((text) => text.endsWith("half"));
    await passTimeUntil(connection.closed, () => (now += 25));
    expect(connection.received()).toMatch(/^HTTP\/1\.1 200 .*half$/s);
  },
);

test("a client that sends a long body before it reads gets the response that the target is unreachable", async () => {
  let url: string;
  {
    await using gone = await startTarget();
    ({ url } = gone);
  }
  const { token } = await exportTarget(service, { uri: url });
  for (let round = 0; round < 5; round += 1) {
    await using connection = await openRawConnection(service.port);
    const length = 8 * 1024 * 1024;
    connection.socket.pause();
    connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${length}`] }));
    await new Promise<void>((resolve) => {
      connection.socket.write(Buffer.alloc(length), () => resolve());
    });
    connection.socket.resume();
    expect(await nextResponse(connection)).toMatchObject({ status: 502 });
  }
});

test("a client that disconnects within its body after the target was found unreachable is not logged as a fault", async () => {
  let url: string;
  {
    await using gone = await startTarget();
    ({ url } = gone);
  }
  const { token } = await exportTarget(service, { uri: url });
  for (let round = 0; round < 5; round += 1) {
    await using connection = await openRawConnection(service.port);
    connection.send(
      `${requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 9000000"] })}x`,
    );
    expect(await nextResponse(connection)).toMatchObject({ status: 502 });
  }
  expect((await call(service, token)).status).toBe(502);
  expect(service.logged()).not.toContain('"fault"');
});
