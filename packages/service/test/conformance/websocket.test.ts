import { once } from "node:events";
import { WebSocket as UndiciWebSocket } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { trustGlobally } from "../../../testkit/src/global-dispatcher.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import type { WebSocketTarget } from "../../../testkit/src/websocket.ts";
import {
  acceptingResponse,
  closeCode,
  handshakeLines,
  nextMessage,
  openWebSocket,
  rawWebSocketServer,
  startWebSocketTarget,
} from "../../../testkit/src/websocket.ts";

let certificate: TestCertificate;
let trust: AsyncDisposable;
let clear: TestService;
let secure: TestService;
let plainTarget: WebSocketTarget;
let tlsTarget: WebSocketTarget;
beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  trust = trustGlobally(certificate.ca);
  clear = await startTestService();
  secure = await startTestService({ tls: certificate });
  plainTarget = await startWebSocketTarget({ handleProtocols: (offered) => [...offered].at(-1) ?? false });
  tlsTarget = await startWebSocketTarget({ certificate, perMessageDeflate: true });
});
afterAll(async () => {
  await trust[Symbol.asyncDispose]();
  await Promise.all([clear.close(), secure.close()]);
  await Promise.all([plainTarget[Symbol.asyncDispose](), tlsTarget[Symbol.asyncDispose]()]);
});

function exportAt(service: TestService, target: WebSocketTarget, more: object = {}): Promise<string> {
  const tls = target.url.startsWith("https:") ? { tls: { ca: certificate.ca } } : {};
  return exportTarget(service, { uri: target.url, ...tls, ...more }).then(({ token }) => token);
}

test.each([
  ["http", "http"],
  ["http", "https"],
  ["https", "http"],
  ["https", "https"],
])("messages pass in both directions over %s to a target over %s", async (front, back) => {
  const service = front === "http" ? clear : secure;
  const target = back === "http" ? plainTarget : tlsTarget;
  const token = await exportAt(service, target);
  const socket = await openWebSocket(service, token, { ca: certificate.ca });
  for (const text of ["first", "x".repeat(200_000), "last"]) {
    socket.send(text);
    expect(await nextMessage(socket)).toBe(text);
  }
  socket.ping("are you there");
  expect(String((await once(socket, "pong"))[0])).toBe("are you there");
  const closed = closeCode(socket);
  socket.close(3_000, "done");
  expect(await closed).toBe(3_000);
});

test("the client that is built into Node.js exchanges messages with the target, and gets its close code", async () => {
  const token = await exportAt(clear, plainTarget);
  const socket = new UndiciWebSocket(clear.url.replace("http", "ws"), {
    headers: { authorization: `Bearer ${token}` },
  });
  await new Promise((resolve) => {
    socket.addEventListener("open", resolve);
  });
  const received = new Promise((resolve) => {
    socket.addEventListener("message", ({ data }) => resolve(data));
  });
  socket.send("hello");
  expect(await received).toBe("hello");
  const closed = new Promise((resolve) => {
    socket.addEventListener("close", ({ code }) => resolve(code));
  });
  socket.close(1_000);
  expect(await closed).toBe(1_000);
});

test("extensions are agreed between client and target", async () => {
  const socket = await openWebSocket(clear, await exportAt(clear, tlsTarget), { perMessageDeflate: true });
  expect(socket.extensions).toBe("permessage-deflate");
  socket.send("x".repeat(100_000));
  expect(await nextMessage(socket)).toBe("x".repeat(100_000));
  socket.terminate();
});

test("the target chooses one of the subprotocols that the client offers", async () => {
  const token = await exportAt(clear, plainTarget);
  const socket = await openWebSocket(clear, token, { protocols: ["one", "two"] });
  expect(socket.protocol).toBe("two");
  expect(plainTarget.handshakes.at(-1)?.headers["sec-websocket-protocol"]).toBe("one,two");
  socket.terminate();
});

test("the handshake is an invocation like any other: the target's headers are set, and the token does not reach it", async () => {
  const token = await exportAt(clear, plainTarget, { headers: { "X-Api-Key": "secret" }, allowQuery: true });
  const socket = await openWebSocket({ url: `${clear.url}/?a=1` }, token, { headers: { "X-Own": "1" } });
  const { headers, url, rawHeaders } = plainTarget.handshakes.at(-1)!;
  expect(headers).toMatchObject({
    "x-api-key": "secret",
    "x-own": "1",
    upgrade: "websocket",
    connection: "upgrade",
    "sec-websocket-version": "13",
  });
  expect(url).toBe("/?a=1");
  expect(JSON.stringify(rawHeaders)).not.toContain(token);
  socket.terminate();
});

test.each([
  ["OpenAI's", (token: string) => `openai-insecure-api-key.${token}`],
  [
    "Kubernetes'",
    (token: string) => `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}`,
  ],
])(
  "the token may be among the subprotocols, as in %s clients, and is taken out of them",
  async (_whose, carry) => {
    const token = await exportAt(clear, plainTarget);
    const open = (...protocols: readonly string[]): Promise<WebSocket> =>
      openWebSocket(clear, undefined, { protocols });
    const socket = await open("realtime", carry(token), "other");
    expect(socket.protocol).toBe("other");
    expect(plainTarget.handshakes.at(-1)?.headers["sec-websocket-protocol"]).toBe("realtime, other");
    expect(JSON.stringify(plainTarget.handshakes.at(-1)?.rawHeaders)).not.toContain(carry(token));
    socket.terminate();

    // `ws` refuses a 101 without a subprotocol if it has offered one, as browsers do.
    await using connection = await openRawConnection(clear.port);
    const lines = [...handshakeLines(), `Sec-WebSocket-Protocol: ${carry(token)}`];
    connection.send(requestHead(undefined, { headers: lines }));
    expect(await connection.until((text) => text.includes("\r\n\r\n"))).not.toMatch(
      /sec-websocket-protocol/i,
    );
    expect(plainTarget.handshakes.at(-1)?.headers).not.toHaveProperty("sec-websocket-protocol");
  },
);

test("a client's own credential among its subprotocols reaches no target that carries one", async () => {
  const theirs = ["openai-insecure-api-key.sk-theirs", "base64url.bearer.authorization.k8s.io.dGhlaXJz"];
  const own = await exportAt(clear, plainTarget, { headers: { Authorization: "Bearer ours" } });
  const open = await exportAt(clear, plainTarget);
  for (const [token, expected] of [
    [own, "realtime,other"],
    [open, `realtime,${theirs.join(",")},other`],
  ] as const) {
    const socket = await openWebSocket(clear, token, { protocols: ["realtime", ...theirs, "other"] });
    expect(socket.protocol).toBe("other");
    const offered = plainTarget.handshakes.at(-1)?.headers["sec-websocket-protocol"];
    expect(offered?.replaceAll(", ", ",")).toBe(expected);
    socket.terminate();
  }
});

test("Basic credentials open a WebSocket for a program, and none for a page", async () => {
  const token = await exportAt(secure, plainTarget);
  const basic = `Basic ${Buffer.from(`any:${token}`).toString("base64")}`;
  const socket = await openWebSocket(secure, undefined, {
    ca: certificate.ca,
    headers: { authorization: basic },
  });
  socket.terminate();
  await using connection = await openRawConnection(secure.port, certificate.ca);
  const lines = [...handshakeLines(), `Authorization: ${basic}`, "Origin: https://evil.test"];
  connection.send(requestHead(undefined, { headers: lines }));
  expect(await nextResponse(connection)).toMatchObject({ status: 401 });
});

test("what the client sends with its handshake reaches the target, and what the target sends with its 101 the client", async () => {
  await using target = await startRawTarget(
    rawWebSocketServer(
      (request) => `${acceptingResponse(request)}HTTP/1.1 100 early\r`,
      (socket, rest) => {
        socket.write(rest);
        socket.on("data", (chunk) => socket.write(chunk));
      },
    ),
  );
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(`${requestHead(token, { headers: handshakeLines() })}GET / HTTP/1.1\r\n\r\n\0\xff`);
  const received = await connection.until((text) => text.endsWith("\xff"));
  expect(received.slice(received.indexOf("\r\n\r\n") + 4)).toBe(
    "HTTP/1.1 100 early\rGET / HTTP/1.1\r\n\r\n\0\xff",
  );
  connection.send("more");
  await connection.until((text) => text.endsWith("\xffmore"));
});

test("what the target sends before it ends its side arrives, and then the client's side is ended", async () => {
  await using target = await startRawTarget(
    rawWebSocketServer(acceptingResponse, (socket) => void socket.end("the end")),
  );
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  expect(await connection.closed).toBe("ended");
  expect(connection.received()).toMatch(/\r\n\r\nthe end$/);
});

test("a client may end its side first, and gets what the target still sends", async () => {
  await using target = await startRawTarget(
    rawWebSocketServer(acceptingResponse, (socket) => {
      // Node ends its own side with the client's: what is written in this listener comes before that.
      socket.on("data", (chunk) => chunk.includes("bye") && socket.end("good bye"));
    }),
  );
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  await connection.until((text) => text.includes("\r\n\r\n"));
  connection.socket.end("bye");
  await connection.until((text) => text.endsWith("good bye"));
  await connection.closed;
});

test("a client that resets its connection ends the target's", async () => {
  const token = await exportAt(clear, plainTarget);
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  await connection.until((text) => text.includes("101"));
  const closed = closeCode(plainTarget.sockets.at(-1)!);
  connection.socket.resetAndDestroy();
  expect(await closed).toBe(1_006);
});

test("a target that resets its connection ends the client's", async () => {
  await using target = await startRawTarget(
    rawWebSocketServer(acceptingResponse, (socket) => {
      socket.on("data", () => socket.resetAndDestroy());
    }),
  );
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  await connection.until((text) => text.includes("\r\n\r\n"));
  connection.send("x");
  await connection.closed;
});

test.each([
  ["401", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"],
  ["403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"],
  ["200", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"],
  ["503", "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno"],
])("a target that responds with %s to a handshake has its response passed on", async (status, bytes) => {
  await using target = await startRawTarget(rawWebSocketServer(() => bytes));
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(`${requestHead(token, { headers: handshakeLines() })}bytes that were sent too early`);
  const response = await nextResponse(connection);
  expect(response).toMatchObject({ status: Number(status), body: "no" });
  expect(response.headers.get("connection")).toEqual(["close"]);
  expect(await connection.closed).toBe("ended");
});

test("a response of any size to a handshake passes with back-pressure", async () => {
  const body = Buffer.alloc(8 * 1024 * 1024, "membrane");
  await using target = await startRawTarget(
    rawWebSocketServer(
      () => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`,
      (socket) => void socket.write(body),
    ),
  );
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  connection.socket.pause();
  await once(connection.socket, "readable");
  connection.socket.resume();
  await connection.closed;
  expect((await nextResponse(connection)).body.length).toBe(body.length);
});

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const VALID = handshakeLines(KEY);

const without = (name: string): readonly string[] => VALID.filter((line) => !line.startsWith(`${name}:`));

/** Node's parser drops what follows a request for an upgrade. One without the option `Upgrade` is none, so its connection is kept. */
const endsWithIt = (headers: readonly string[]): boolean => headers.includes("Connection: Upgrade");

test.each([
  ["POST", { line: "POST / HTTP/1.1", headers: VALID }, 400],
  ["a body", { headers: [...VALID, "Content-Length: 2"], body: "ab" }, 400],
  ["a chunked body", { headers: [...VALID, "Transfer-Encoding: chunked"], body: "0\r\n\r\n" }, 400],
  ["Expect", { headers: [...VALID, "Expect: 100-continue"] }, 400],
  ["no Connection", { headers: without("Connection") }, 400],
  ["Connection: keep-alive", { headers: [...without("Connection"), "Connection: keep-alive"] }, 400],
  ["no key", { headers: without("Sec-WebSocket-Key") }, 400],
  ["two keys", { headers: [...VALID, `Sec-WebSocket-Key: ${KEY}`] }, 400],
  ["a key of 15 bytes", { headers: handshakeLines("A".repeat(20)) }, 400],
  ["a key that is not base64", { headers: handshakeLines(`${"*".repeat(22)}==`) }, 400],
  ["no version", { headers: without("Sec-WebSocket-Version") }, 426],
  ["version 8", { headers: [...without("Sec-WebSocket-Version"), "Sec-WebSocket-Version: 8"] }, 426],
  ["two versions", { headers: [...VALID, "Sec-WebSocket-Version: 13"] }, 426],
  ["a protocol that is not WebSocket", { headers: [...without("Upgrade"), "Upgrade: websocket/2"] }, 501],
  ["a list of protocols", { headers: [...without("Upgrade"), "Upgrade: websocket, TLS/1.0"] }, 501],
] as readonly [string, { line?: string; headers: readonly string[]; body?: string }, number][])(
  "a handshake with %s is refused, and does not reach the target",
  async (_what, { body = "", ...head }, status) => {
    const before = plainTarget.handshakes.length;
    const token = await exportAt(clear, plainTarget);
    await using connection = await openRawConnection(clear.port);
    connection.send(`${requestHead(token, head)}${body}`);
    const response = await nextResponse(connection);
    expect(response.status).toBe(status);
    if (status === 426) {
      expect(response.headers.get("sec-websocket-version")).toEqual(["13"]);
      expect(response.headers.get("upgrade")).toEqual(["websocket"]);
    }
    expect(plainTarget.handshakes.length).toBe(before);
    if (endsWithIt(head.headers)) expect(await connection.closed).toBe("ended");
    else {
      const from = connection.received().length;
      connection.send(requestHead("a".repeat(64)));
      expect(await nextResponse(connection, { from })).toMatchObject({ status: 401 });
    }
  },
);

test("a handshake without a valid token is the same 401 as any request", async () => {
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead("a".repeat(64), { headers: VALID }));
  expect(await nextResponse(connection)).toMatchObject({ status: 401 });
  expect(await connection.closed).toBe("ended");
});

test("a handshake with a capability of the service itself is a 501, and so is one for a target with another method", async () => {
  const post = await exportAt(clear, plainTarget, { method: "POST" });
  for (const token of [clear.tokens.query, post]) {
    await using connection = await openRawConnection(clear.port);
    connection.send(requestHead(token, { headers: VALID }));
    expect(await nextResponse(connection)).toMatchObject({ status: 501 });
  }
});

test("a handshake that is pipelined after another request is refused after its response", async () => {
  const { token } = await exportTarget(clear, { uri: plainTarget.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(
    `${requestHead(undefined, { line: "GET /healthz HTTP/1.1" })}${requestHead(token, { headers: VALID })}`,
  );
  const first = await nextResponse(connection);
  expect(first.status).toBe(200);
  const from = connection.received().length - first.rest.length;
  expect(await nextResponse(connection, { from })).toMatchObject({ status: 400 });
  expect(await connection.closed).toBe("ended");
});

test("a handshake may follow other requests on its connection, once they are complete", async () => {
  const token = await exportAt(clear, plainTarget);
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
  await nextResponse(connection);
  connection.send(requestHead(token, { headers: VALID }));
  await connection.until((text) => text.includes("HTTP/1.1 101 "));
});

test("the 101 proves that the target has read the handshake, and has nothing else of the target", async () => {
  await using target = await startRawTarget(
    rawWebSocketServer((request) =>
      acceptingResponse(request, "Set-Cookie: a=1", "X-Other: 1", "Content-Length: 5"),
    ),
  );
  const { token } = await exportTarget(clear, { uri: target.url });
  await using connection = await openRawConnection(clear.port);
  connection.send(requestHead(token, { headers: VALID }));
  const received = await connection.until((text) => text.endsWith("\r\n\r\n"));
  const lines = received.split("\r\n").filter((line) => !line.startsWith("Date:"));
  expect(lines).toEqual([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    // RFC 6455 §1.3 computes it for this key.
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "",
    "",
  ]);
});
