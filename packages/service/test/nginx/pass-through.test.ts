import type { RequestListener } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { TestNginx } from "../../../testkit/src/nginx.ts";
import { startNginx } from "../../../testkit/src/nginx.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";

let service: TestService;
let nginx: TestNginx;
beforeAll(async () => {
  service = await startTestService({ trustedProxies: ["127.0.0.1/32"] });
  nginx = await startNginx(service.port);
});
afterAll(async () => {
  await nginx[Symbol.asyncDispose]();
  await service.close();
});

async function ask(port: number, ca: string | undefined, head: string, method: string): Promise<RawResponse> {
  await using connection = await openRawConnection(port, ca);
  connection.send(head);
  return await nextResponse(connection, { method });
}

/** Headers of a connection, of the responding server's time, or of one request. */
const OF_A_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "date", "server", "x-request-id"]);

/** Sends the same request to the service and through nginx, and returns both responses in a comparable form. */
async function both(token: string | undefined, options: Parameters<typeof requestHead>[1] = {}) {
  const method = options.line?.split(" ")[0] ?? "GET";
  const head = requestHead(token, options);
  const responses = [
    await ask(service.port, undefined, head, method),
    await ask(nginx.port, nginx.ca, head, method),
  ];
  const [direct, through] = responses.map(({ status, headers, body }) => ({
    status,
    body,
    headers: [...headers].filter(([name]) => !OF_A_HOP.has(name)).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  }));
  return { direct: direct!, through: through! };
}

const DEAD = `CPBLTY1-${"A".repeat(86)}`;

test("nginx passes on a 401 unchanged, for any invalid token", async () => {
  for (const token of [undefined, "none", DEAD]) {
    const { direct, through } = await both(token);
    expect(through).toEqual(direct);
    expect(through.status).toBe(401);
    expect(new Map(through.headers).get("www-authenticate")).toEqual(["Bearer"]);
    expect(new Map(through.headers).get("cache-control")).toEqual(["no-store"]);
  }
});

test("a request that two parsers could understand differently is a 400 through nginx too", async () => {
  for (const headers of [[`Authorization: Bearer ${DEAD}`], ["Host: other.test"]]) {
    expect((await both(DEAD, { headers })).through.status).toBe(400);
  }
});

test("a response that the service sends in place of a target's keeps its Proxy-Status", async () => {
  const closed = await startTarget();
  await closed[Symbol.asyncDispose]();
  const { token } = await exportTarget(service, { uri: closed.url });
  const { direct, through } = await both(token);
  expect(through).toEqual(direct);
  expect(through.status).toBe(502);
  expect(new Map(through.headers).get("proxy-status")).toEqual(["membrane; error=destination_unavailable"]);
});

const DATE = "Thu, 01 Jan 1970 00:00:00 GMT";

const RESPONSES: readonly (readonly [string, RequestListener])[] = [
  [
    "200 with several Vary, Link and Via lines",
    (_request, response) =>
      void response
        .writeHead(200, { Vary: ["Accept", "Origin"], Link: ["<a>", "<b>"], Via: "1.1 other" })
        .end("ok"),
  ],
  [
    "a redirect to nginx's name for the service",
    (_request, response) => void response.writeHead(301, { Location: "http://membrane/elsewhere" }).end(),
  ],
  [
    "200 with a coding that nginx knows",
    (_request, response) => void response.writeHead(200, { "Content-Encoding": "gzip" }).end("no gzip"),
  ],
  ["204", (_request, response) => void response.writeHead(204).end()],
  ["304", (_request, response) => void response.writeHead(304, { ETag: '"a"' }).end()],
  ["404 with a body", (_request, response) => void response.writeHead(404).end("not here")],
  ["503", (_request, response) => void response.writeHead(503, { "Retry-After": "7" }).end("busy")],
  [
    "a head of 12 KiB",
    (_request, response) => void response.writeHead(200, { "X-Long": "x".repeat(12 * 1024) }).end("ok"),
  ],
];

test.each(RESPONSES)("nginx passes on a response unchanged: %s", async (_name, response) => {
  await using target = await startTarget(response);
  const { token } = await exportTarget(service, { uri: target.url });
  for (const line of ["GET / HTTP/1.1", "HEAD / HTTP/1.1", "POST / HTTP/1.1"]) {
    const headers = line.startsWith("POST") ? ["Content-Length: 0"] : [];
    const { direct, through } = await both(token, { line, headers });
    expect(through).toEqual(direct);
    expect(new Map(through.headers).get("vary")?.at(-1)).toMatch(/^Authorization, X-Api-Key, /);
  }
});

test("nginx passes on Date and Server of a target", async () => {
  await using target = await startRawTarget(
    rawResponder(`HTTP/1.1 200 OK\r\nDate: ${DATE}\r\nServer: target/1\r\nContent-Length: 2\r\n\r\nok`),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  const { headers } = await ask(nginx.port, nginx.ca, requestHead(token), "GET");
  expect(headers.get("date")).toEqual([DATE]);
  expect(headers.get("server")).toEqual(["target/1"]);
});

test("nginx does not follow the X-Accel headers of a target", async () => {
  const large = "x".repeat(1024 * 1024);
  await using target = await startTarget((_request, response) => {
    response.writeHead(200, {
      "Content-Type": "text/plain",
      "X-Accel-Redirect": "/healthz",
      "X-Accel-Limit-Rate": "1",
      "X-Accel-Buffering": "yes",
      "X-Accel-Charset": "koi8-r",
      "X-Accel-Expires": "3600",
    });
    response.end(large);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const { status, headers, body } = await ask(nginx.port, nginx.ca, requestHead(token), "GET");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toEqual(["text/plain"]);
  expect(body).toBe(large);
});

test("method, query and headers reach the target as the client wrote them", async () => {
  await using target = await startTarget();
  const membrane = await createMembrane(service, service.tokens.create, "byte for byte");
  const token = await exportThrough(service, membrane.export, { uri: target.url, allowQuery: true });
  const head = requestHead(token, {
    line: "PROPFIND /?a=%2f..%2F&&b=//+%20? HTTP/1.1",
    headers: ["X_Under_Score: 1", "X.Dot: 2", "X-Twice: 3", "X-Twice: 4", "X_HTTP_Method_Override: DELETE"],
  });
  expect((await ask(nginx.port, nginx.ca, head, "PROPFIND")).status).toBe(200);
  const [{ method, url, rawHeaders }] = target.requests as [(typeof target.requests)[number]];
  expect([method, url]).toEqual(["PROPFIND", "/?a=%2f..%2F&&b=//+%20?"]);
  const sent = rawHeaders.join("\n");
  for (const line of ["X_Under_Score\n1", "X.Dot\n2", "X-Twice\n3", "X-Twice\n4"])
    expect(sent).toContain(line);
  expect(sent.toLowerCase()).not.toContain("override");
});

test("Host reaches the service unchanged, and only the client's address and scheme are added", async () => {
  await using upstream = await startRawTarget(rawResponder(OK_RESPONSE));
  await using front = await startNginx(upstream.port);
  const added = ["X-Forwarded-For: 198.51.100.1", "Connection: keep-alive, x-a", "TE: trailers"];
  await ask(front.port, front.ca, requestHead("token", { headers: added }), "GET");
  const lines = upstream.received().split("\r\n").toSorted();
  expect(lines).toEqual(
    [
      "GET / HTTP/1.1",
      "Host: membrane.test",
      "Authorization: Bearer token",
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-Proto: https",
      "",
      "",
    ].toSorted(),
  );
});

test("a path that is not allowed is a 404, even if nginx would normalize it to an allowed one", async () => {
  const { token } = await exportTarget(service, { uri: "https://example.com/" });
  for (const path of ["/healthz", "/a/..", "//", "/%2e", "/./"]) {
    const responses = await both(token, { line: `GET ${path} HTTP/1.1` });
    expect(responses.through, path).toEqual(responses.direct);
    expect(responses.through.status, path).toBe(404);
  }
});

test("a head over the service's limit is the service's 431", async () => {
  const responses = await both(DEAD, { headers: [`X-Long: ${"x".repeat(20_000)}`] });
  expect(responses.through).toEqual(responses.direct);
  expect(responses.through.status).toBe(431);
});

test("neither log of nginx has a token, a query or a header", async () => {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url, allowQuery: true });
  const line = "GET /?canary-query HTTP/1.1";
  expect((await both(token, { line, headers: ["X-A: canary-header"] })).through.status).toBe(200);
  for (const wrong of [
    `Authorization\x01: Bearer ${token}`,
    `: ${token}`,
    `Authorization: Bearer ${token}\0`,
  ]) {
    await ask(nginx.port, nginx.ca, requestHead(undefined, { line, headers: [wrong] }), "GET");
  }
  {
    await using broken = await startRawTarget((socket) => void socket.destroy());
    await using alone = await startNginx(broken.port);
    await ask(alone.port, alone.ca, requestHead(token, { line }), "GET");
    expect(await alone.logged()).not.toMatch(/canary|CPBLTY/);
    expect(await alone.logged()).toContain(" 502 ");
  }
  expect(await nginx.logged()).toContain(" 200 ");
  expect(await nginx.logged()).not.toMatch(/canary|CPBLTY/);
});
