import { expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

const LIMITS = { requestRateWindowMs: 100 };
const POST = { line: "POST / HTTP/1.1", headers: ["Content-Length: 10"] };

test("a client that stalls in the middle of a management body gets a 408, and others are served", async () => {
  await using service = await startTestService({ limits: LIMITS });
  await using silent = await openRawConnection(service.port);
  silent.send(`${requestHead(service.tokens.create, POST)}{`);
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  await using other = await openRawConnection(service.port);
  other.send(requestHead(token));
  expect(await nextResponse(other)).toMatchObject({ status: 200, body: "ok" });
  expect(await nextResponse(silent)).toMatchObject({ status: 408 });
});

test.each([
  ["streamed", {}],
  [
    "buffered to be signed",
    {
      hmac: {
        "aws4-hmac-sha256": {
          awsAccessKeyId: "AKIDEXAMPLE",
          region: "us-east-1",
          service: "lambda",
          secretAccessKey: "secret",
        },
      },
    },
  ],
])("a client that stalls in the middle of a body that is %s gets a 408", async (_how, extra) => {
  await using service = await startTestService({ limits: LIMITS });
  await using target = await startStreamingTarget((request) => void request.resume());
  const { token } = await exportTarget(service, { uri: target.url, ...extra });
  await using connection = await openRawConnection(service.port);
  connection.send(`${requestHead(token, POST)}12345`);
  const response = await nextResponse(connection);
  expect(response).toMatchObject({ status: 408 });
  expect(JSON.parse(response.body)).toMatchObject({ code: "request_timeout" });
});

test("a client is not refused as stalled because its target does not read", async () => {
  await using service = await startTestService({ limits: { ...LIMITS, upstreamIdleTimeoutMs: 1_000 } });
  await using target = await startStreamingTarget((request) => void request.pause());
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  const length = 64 * 1024 * 1024;
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${length}`] }));
  connection.send("x".repeat(length));
  expect(await nextResponse(connection)).toMatchObject({ status: 504 });
});
