import { connect } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { LISTENERS } from "../support/http-adapters.ts";

test("a request without a response at the deadline of a stop is refused as one of a service that stops, not of a bad token", async () => {
  const service = await startTestService({ limits: { shutdownTimeoutMs: 100 } });
  const arrived = deferred<void>();
  await using target = await startStreamingTarget(() => arrived.resolve());
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  await arrived.promise;
  const closed = service.close();
  const refused = await nextResponse(connection);
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.body)).toMatchObject({ code: "service_stopping" });
  await closed;
  expect(service.logged()).toContain('"reason":"service_stopping"');
});

test.each(LISTENERS)(
  "connections that are silent, within a TLS handshake or after it, are closed at the deadline of a stop ($adapter)",
  async ({ listenHttp }) => {
    const tls = await makeCertificate("membrane.test", "127.0.0.1");
    // No connection may have to wait for its other deadlines.
    const limits = { shutdownTimeoutMs: 100, requestHeaderTimeoutMs: 3_600_000 };
    const service = await startTestService({ listenHttp, tls, limits });
    const unsecured = connect(service.port, "127.0.0.1");
    const closed = once(unsecured.resume(), "close");
    await using secured = await openRawConnection(service.port, tls.ca);
    await service.close();
    await closed;
    await secured.closed;
  },
);
