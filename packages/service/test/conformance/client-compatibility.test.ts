import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { run } from "../../../testkit/src/run.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import {
  messageHead,
  nextResponse,
  openRawConnection,
  requestHead,
} from "../../../testkit/src/raw-connection.ts";

let clear: TestService;
let secure: TestService;
let target: TestTarget;
let ca: string;
beforeAll(async () => {
  const certificate = await makeCertificate("127.0.0.1");
  ({ ca } = certificate);
  clear = await startTestService({ limits: { managementBodyBytes: 1_000 } });
  secure = await startTestService({ tls: certificate });
  target = await startTarget();
});
afterAll(async () => {
  await Promise.all([clear.close(), secure.close(), target[Symbol.asyncDispose]()]);
});

const H2C = ["Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"];

test.each([
  ["an offer of HTTP/2 in clear", "HTTP/1.1", ["Upgrade: h2c", ...H2C]],
  ["an offer of HTTP/2 in capitals", "HTTP/1.1", ["Upgrade: H2C", ...H2C]],
  ["an upgrade in HTTP/1.0", "HTTP/1.0", ["Upgrade: websocket", "Connection: upgrade, keep-alive"]],
])(
  "%s is ignored, nothing of it reaches the target, and the response is the last one on its connection",
  async (_what, version, headers) => {
    const { token } = await exportTarget(clear, { uri: target.url });
    const before = target.requests.length;
    for (const request of [
      requestHead(token, { line: `GET / ${version}`, headers }),
      `${requestHead(token, { line: `POST / ${version}`, headers: [...headers, "Content-Length: 4"] })}body`,
    ]) {
      await using connection = await openRawConnection(clear.port);
      connection.send(request);
      expect(await nextResponse(connection)).toMatchObject({ status: 200, body: "ok" });
      await connection.closed;
    }
    const names = target.requests.slice(before).flatMap((request) => Object.keys(request.headers));
    expect(names).not.toContain("upgrade");
    expect(names).not.toContain("http2-settings");
    expect(target.requests.at(-1)?.body.toString()).toBe("body");
  },
);

test.each(["h2c, websocket", "TLS/1.0", "foo"])("Upgrade: %s is a 501", async (protocol) => {
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(token, { headers: [`Upgrade: ${protocol}`, "Connection: upgrade"] }));
  expect(await nextResponse(connection)).toMatchObject({ status: 501 });
});

test.each([
  ["membrane.test.", 200],
  ["membrane.test.:8443", 200],
  ["membrane.test..", 400],
  [".", 400],
  [".:80", 400],
  ["[::1].", 400],
])("the response to Host: %s is %i", async (host, status) => {
  await using connection = await openRawConnection(clear.port);
  connection.send(messageHead("GET /healthz HTTP/1.1", `Host: ${host}`));
  expect(await nextResponse(connection)).toMatchObject({ status });
});

test("a request target that names the authority with a trailing dot is accepted", async () => {
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(undefined, { line: "GET http://membrane.test./healthz HTTP/1.1" }));
  expect(await nextResponse(connection)).toMatchObject({ status: 200 });
});

test("curl: the error for an upload that appends its file name says how to avoid it; HTTP/1.0 and HTTP/2 work on both ports", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "file.txt");
  const caFile = join(directory.path, "ca.pem");
  await writeFile(file, "hello");
  await writeFile(caFile, ca);
  const curl = async (args: readonly string[]): Promise<string> =>
    (await run("curl", ["-sS", "--cacert", caFile, ...args], { env: process.env })).stdout;

  const { token } = await exportTarget(clear, { uri: target.url });
  const authorized = ["-H", `Authorization: Bearer ${token}`];
  const told = await curl([...authorized, "-T", file, clear.url]);
  expect(JSON.parse(told).message).toContain("-T - < FILE");
  expect(await curl([...authorized, "--http2", clear.url, clear.url])).toBe("okok");
  for (const version of ["-0", "--http1.1", "--http2"]) {
    expect(await curl([version, `${secure.url}/healthz`])).toBe('{"status":"ok"}');
  }
});

test("plain HTTP to the TLS port gets a clear response in plain HTTP; other bytes are closed without one", async () => {
  await using connection = await openRawConnection(secure.port);
  connection.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
  const response = await nextResponse(connection);
  expect(response).toMatchObject({ status: 400 });
  expect(response.headers.get("connection")).toEqual(["close"]);
  expect(JSON.parse(response.body)).toMatchObject({
    code: "malformed_request",
    message: "This port speaks HTTPS: expected https:// in place of http://.",
  });
  await connection.closed;
  await using other = await openRawConnection(secure.port);
  other.send("nonsense\r\n\r\n");
  await other.closed;
  expect(other.received()).not.toContain("HTTP/1.1");
  await using well = await openRawConnection(secure.port, ca);
  well.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
  expect(await nextResponse(well)).toMatchObject({ status: 200 });
});

test("TCP keep-alive probes a silent client, with and without TLS", async () => {
  for (const [service, authority] of [
    [clear, undefined],
    [secure, ca],
  ] as const) {
    await using connection = await openRawConnection(service.port, authority);
    connection.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
    await nextResponse(connection);
    const timer = (): Promise<string | undefined> => timerOf(service.port, connection.socket.localPort!);
    // Until the client's kernel has acknowledged the response, the timer is the retransmission timer.
    for (let count = 0; count < 500 && (await timer()) === "01"; count += 1) {
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
    expect(await timer()).toBe("02");
  }
});

/** Reads which timer the kernel runs for a connection: 02 is TCP keep-alive (proc_pid_net(5)). */
async function timerOf(localPort: number, remotePort: number): Promise<string | undefined> {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
  const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  const line = lines.find(
    ([, local, remote]) => local?.endsWith(`:${hex(localPort)}`) && remote?.endsWith(`:${hex(remotePort)}`),
  );
  return line?.[5]?.slice(0, 2);
}

test("an early response reaches a client that is still sending its body: the connection is not reset", async () => {
  const { export: exporting, token } = await exportTarget(clear, { uri: target.url });
  const length = 1_000_000;
  const body = "x".repeat(length);
  const all = [
    // A body over its limit, and a body of unknown length for an operation without one.
    [requestHead(exporting, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${length}`] }) + body, 413],
    [
      `${requestHead(token, { line: "POST /no HTTP/1.1", headers: ["Transfer-Encoding: chunked"] })}${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      404,
    ],
  ] as const;
  for (const [sent, status] of all) {
    await using connection = await openRawConnection(clear.port);
    connection.send(sent);
    expect(await nextResponse(connection)).toMatchObject({ status });
    expect(await connection.closed).toBe("ended");
  }
});
