import { expect, test } from "vitest";
import { startCollector } from "../../../../testkit/src/otlp-collector.ts";
import { startRawTarget } from "../../../../testkit/src/target.ts";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { until } from "../../../../testkit/src/until.ts";
import type { SendSpans } from "./collector.ts";
import { createCollector, parseRejectedSpans } from "./collector.ts";

/** What sends one batch, and waits longer than a test. */
function sending(url: string, ca?: string): SendSpans {
  return createCollector({
    url: new URL("/v1/traces", url),
    headers: {},
    ca,
    timeoutMs: 600_000,
    version: "1.2.3",
  });
}

test.each([
  [300, "refused"],
  [400, "refused"],
  [413, "refused"],
  [429, "unavailable"],
  [500, "refused"],
  [502, "unavailable"],
  [503, "unavailable"],
  [504, "unavailable"],
] as const)("after the status %i a batch is %s", async (status, kind) => {
  await using server = await startRawTarget((socket) =>
    socket.once("data", () => socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`)),
  );
  expect(await sending(server.url)("{}")).toEqual({ kind, cause: `STATUS_${status}` });
});

test("a request that is ended before it begins is not sent", async () => {
  await using collector = await startCollector();
  const ended = await sending(collector.url)("{}", AbortSignal.abort());
  expect(ended).toEqual({ kind: "unavailable", cause: "STOPPED" });
  expect(collector.heads).toEqual([]);
});

test("the length of a request is in bytes", async () => {
  await using collector = await startCollector();
  await sending(collector.url)('{"\u00e9":1}');
  expect(collector.heads[0]).toMatchObject({ "content-length": "8" });
});

test("a connection ends with the request, though the response does not", async () => {
  let isClosed = false;
  await using server = await startRawTarget((socket) => {
    socket.on("close", () => (isClosed = true));
    socket.once("data", () => socket.write("HTTP/1.1 503 X\r\nContent-Length: 9\r\n\r\n{"));
  });
  expect(await sending(server.url)("{}")).toMatchObject({ cause: "STATUS_503" });
  await until("the connection is closed", () => isClosed);
});

test.each(["[]", "1", "null", '"x"', "{"])("%s is not a response of a collector", (text) => {
  expect(parseRejectedSpans(text)).toBeUndefined();
});

test("over TLS the certificate of the collector is checked, whatever the environment says", async () => {
  const { cert, key, ca } = await makeCertificate("127.0.0.1");
  await using secure = await startCollector({ tls: { cert, key } });
  const saved = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    const cause = expect.stringMatching(/CERT|SIGNATURE|ISSUER/);
    expect(await sending(secure.url)("{}")).toEqual({ kind: "unavailable", cause });
  } finally {
    if (saved === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = saved;
  }
  expect(secure.heads).toEqual([]);
  await sending(secure.url, ca)("{}");
  expect(secure.heads).toHaveLength(1);
});
