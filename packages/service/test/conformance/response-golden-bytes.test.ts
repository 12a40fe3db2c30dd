import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { messageHead, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

/* Checks the bytes that the service sends to a client. responses.test.ts tests single headers, and says why. */

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Returns everything that is received on a connection for one request. */
async function readAll(token: string): Promise<string> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: ["Connection: close"] }));
  await connection.closed;
  return connection.received();
}

const ADDED = [
  "Cache-Control: private",
  "Vary: Authorization, X-Api-Key, Api-Key, X-Goog-Api-Key, X-Amz-Security-Token",
  "X-Content-Type-Options: nosniff",
  "Content-Security-Policy: sandbox",
  "Access-Control-Allow-Origin: *",
  "Access-Control-Expose-Headers: *",
];

test("the client gets exactly these bytes for a response, each time", async () => {
  const own = ["X-Obs: \x80\xff", "__proto__: a", "constructor: b", "Date: Thu, 01 Jan 1970 00:00:00 GMT"];
  const dropped = ["Set-Cookie: evil", "Connection: x-hop", "X-Hop: evil", "Keep-Alive: evil", "NEL: evil"];
  const chunks = "2\r\nok\r\n0\r\n";
  const sent = messageHead("HTTP/1.1 203 Fine, then", ...own, ...dropped, "Transfer-Encoding: chunked");
  await using target = await startRawTarget(rawResponder(`${sent}${chunks}X-Trailer: evil\r\n\r\n`));
  const { token } = await exportTarget(service, { uri: target.url });
  const head = messageHead(
    "HTTP/1.1 203 Fine, then",
    ...own,
    ...ADDED,
    "Connection: close",
    "Transfer-Encoding: chunked",
  );
  for (let time = 0; time < 3; time += 1) expect(await readAll(token)).toBe(`${head}${chunks}\r\n`);
});

test("the client gets exactly these bytes for an error of the gateway", async () => {
  const { token } = await exportTarget(service, { uri: `http://127.0.0.1:${await freePort()}/secret` });
  const body =
    '{"statusCode":502,"error":"Bad Gateway","message":"The target is unreachable.","code":"target_unreachable"}';
  const expected = messageHead(
    "HTTP/1.1 502 Bad Gateway",
    "Content-Type: application/json",
    "Cache-Control: no-store",
    "Vary: Authorization, X-Api-Key, Api-Key, X-Goog-Api-Key, X-Amz-Security-Token",
    "Access-Control-Allow-Origin: *",
    "Access-Control-Expose-Headers: *",
    "Proxy-Status: membrane; error=destination_unavailable",
    "X-Request-Id: *",
    `Content-Length: ${body.length}`,
    "Date: *",
    "Connection: close",
  );
  const received = await readAll(token);
  const withoutDate = received.replace(/(?<=\r\nDate: )\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT(?=\r)/, "*");
  expect(withoutDate.replace(/(?<=\r\nX-Request-Id: )[\da-f-]{36}(?=\r)/, "*")).toBe(expected + body);
});
