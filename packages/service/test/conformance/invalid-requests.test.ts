import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane } from "../../../testkit/src/client.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";

const MIB = 1024 * 1024;

let service: TestService;
let membrane: { readonly export: string; readonly revoke: string };

beforeAll(async () => {
  service = await startTestService();
  membrane = await createMembrane(service, service.tokens.create, "m");
});

afterAll(() => service.close());

async function nodes(): Promise<number> {
  await using raw = await openRawStore(service.directory);
  return (await raw.rows("nodes")).length;
}

test.each([
  ["nothing", ""],
  ["white space", " \n"],
  ["no JSON", "id=m"],
  ["half of it", '{"id": "m"'],
  ["two values", '{"id": "m"}{}'],
  ["JSON with comments", '{"id": "m"} // x'],
  [
    "a byte order mark before it",
    '\ufeff{"id": "m"}',
    "JSON in UTF-8 without a byte order mark (U+FEFF) at its beginning",
  ],
  [
    "a byte that is not UTF-8",
    Buffer.concat([Buffer.from('{"id": "'), Buffer.from([0xff]), Buffer.from('"}')]),
  ],
  ["half a surrogate pair in UTF-8", Buffer.from("7b226964223a22eda0b4227d", "hex")],
  ["UTF-16", Buffer.from('{"id": "m"}', "utf16le")],
  ["an object with a name twice", '{"id": "m", "id": "n"}', "each name of an object once; id is repeated"],
  [
    "an object whose names differ only in their spelling",
    String.raw`{"uri": "https://a.test/", "\u0075ri": "https://b.test/"}`,
    "each name of an object once; uri is repeated",
  ],
  ["a deeply nested array", "[".repeat(500_000), "at most 32 levels of nested objects and lists"],
])(
  "a body that is %s is a 400 for each capability that takes one, and nothing is created",
  async (_what, body, expected = "JSON in UTF-8") => {
    const before = await nodes();
    for (const token of [service.tokens.create, service.tokens.provision, membrane.export]) {
      const response = await call(service, token, { method: "POST", body });
      expect(response.status).toBe(400);
      expect(response.json).toMatchObject({ code: "invalid_field", message: `body: expected ${expected}` });
    }
    expect(await nodes()).toBe(before);
  },
);

test("a management body of 1 MiB is accepted, and one byte more is a 413, with Content-Length and in chunks", async () => {
  const whole = `{"id": "big"${" ".repeat(MIB - 13)}}`;
  expect(Buffer.byteLength(whole)).toBe(MIB);
  expect(await call(service, service.tokens.create, { body: whole })).toMatchObject({ status: 201 });
  const before = await nodes();
  for (const token of [service.tokens.create, service.tokens.provision, membrane.export]) {
    const refusal = await send(token, `Content-Length: ${MIB + 1}`, [`${whole} `]);
    expect(refusal).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
    expect(refusal).toContain('"code":"body_too_large"');
  }
  for (const chunks of [[whole, " "], Array.from({ length: 64 }, () => whole)]) {
    const framed = [...chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`), "0\r\n\r\n"];
    const refusal = await send(service.tokens.create, "Transfer-Encoding: chunked", framed);
    expect(refusal).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
  }
  expect(await nodes()).toBe(before);
});

test("a management body over the limit by its Content-Length is refused before it is sent: the client gets no 100", async () => {
  for (const token of [service.tokens.create, service.tokens.provision, membrane.export]) {
    await using connection = await openRawConnection(service.port);
    const headers = ["Expect: 100-continue", `Content-Length: ${MIB + 1}`];
    connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers }));
    expect(await nextResponse(connection)).toMatchObject({ status: 413 });
  }
});

/** Sends a whole body, even if the service responds before its end, and returns the response. */
async function send(token: string, framing: string, pieces: readonly string[]): Promise<string> {
  const socket = connect(service.port, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (bytes) => received.push(bytes));
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  const head = ["POST / HTTP/1.1", "Host: membrane.test", `Authorization: Bearer ${token}`, framing];
  socket.write(`${head.join("\r\n")}\r\nConnection: close\r\n\r\n`);
  for (const piece of pieces) if (!socket.destroyed) socket.write(piece);
  await closed;
  return Buffer.concat(received).toString();
}

test("a method that a capability does not allow is a 405 with the allowed ones, and nothing is changed", async () => {
  const before = await nodes();
  const allowed = [
    [service.tokens.create, "POST"],
    [service.tokens.provision, "POST"],
    [membrane.export, "POST"],
    [service.tokens.query, "GET"],
    [service.tokens.deleteSelf, "GET, POST, DELETE"],
    [membrane.revoke, "GET, POST, DELETE"],
  ] as const;
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "QUERY"];
  for (const [token, allow] of allowed) {
    for (const method of methods.filter((name) => !allow.split(", ").includes(name))) {
      const response = await call(service, token, { method });
      expect(response, `${method} with ${allow}`).toMatchObject({ status: 405, headers: { allow } });
      if (method !== "HEAD")
        expect(response.json).toMatchObject({ code: "method_not_allowed", error: "Method Not Allowed" });
    }
  }
  expect(await nodes()).toBe(before);
});

test.each([
  ["a body", { body: { uri: "https://example.com/" } }, "body"],
  ["an empty object", { body: {} }, "body"],
  ["a query", { path: "/?limit=1" }, "query"],
])(
  "%s is meant for another capability: revoke and deleteSelf refuse it and end nothing",
  async (_what, options, field) => {
    const { revoke } = await createMembrane(service, service.tokens.create, `meant-${_what}`);
    for (const token of [revoke, service.tokens.deleteSelf]) {
      const response = await call(service, token, options);
      expect(response.status).toBe(400);
      expect(response.json.message).toMatch(
        new RegExp(`^${field}: expected none, since this capability accepts no body or query`),
      );
    }
    expect((await call(service, revoke, { method: "POST" })).status).toBe(202);
    expect((await call(service, service.tokens.query, { path: "/?id=m" })).json.membranes).toHaveLength(1);
  },
);

test("a management capability allows only the path /", async () => {
  for (const path of ["/x", "//", "/healthz", "/%2f"]) {
    const response = await call(service, service.tokens.query, { path });
    expect(response, path).toMatchObject({ status: 404, json: { code: "path_not_found" } });
  }
});

const SHORT = `CPBLTY1-${"A".repeat(82)}`;

/** Returns every header of the response, except `Date` and `X-Request-Id`. */
async function responded(token: string | undefined, options: Parameters<typeof call>[2]) {
  const { status, text, headers } = await call(service, token, options);
  return {
    status,
    text,
    headers: Object.entries(headers).filter(([name]) => name !== "date" && name !== "x-request-id"),
  };
}

/** Returns the 15 other texts that lenient decoders decode to the same 64 bytes. */
function otherSpellings(token: string): string[] {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const group = alphabet.indexOf(token.at(-1)!) & ~15;
  return Array.from({ length: 16 }, (_, low) => token.slice(0, -1) + alphabet[group + low]).filter(
    (text) => text !== token,
  );
}

test.each([
  ["GET", { method: "GET" }],
  ["GET of a path and a query", { method: "GET", path: "/a/b?c=d&id=%ff" }],
  ["POST", { method: "POST", body: '{"id": "x"}' }],
  ["POST of invalid JSON to a path", { method: "POST", body: "{", path: "/x" }],
  ["POST of a body over every limit", { method: "POST", body: Buffer.alloc(2 * MIB, "a") }],
  ["TRACE", { method: "TRACE" }],
])(
  "%s is the same 401 to the byte for any invalid token, before anything else is checked",
  async (_what, options) => {
    const gone = await createMembrane(
      service,
      service.tokens.create,
      `gone ${randomBytes(4).toString("hex")}`,
    );
    await call(service, gone.revoke, { method: "POST" });
    const valid = service.tokens.query;
    const texts = [
      gone.export,
      `CPBLTY1-${randomBytes(64).toString("base64url")}`,
      `CPBLTY2-${valid.slice(8)}`,
      `cpblty1-${valid.slice(8)}`,
      valid.slice(8),
      valid.slice(0, -1),
      `${valid}A`,
      `${valid}==`,
      `${valid}%20`,
      `cpblty://membrane.test/#${valid}`,
      SHORT,
      "x",
      "x".repeat(8_000),
      "CPBLTY1-",
      ...otherSpellings(valid),
    ];
    const missing = await responded(undefined, options);
    expect(missing.status).toBe(401);
    const isRoot = !("path" in options);
    expect(Object.fromEntries(missing.headers)["www-authenticate"]).toBe(
      isRoot ? "Bearer" : 'Bearer, Basic realm="membrane"',
    );
    expect(JSON.parse(missing.text)).toMatchObject({ statusCode: 401, error: "Unauthorized" });
    for (const text of texts) expect(await responded(text, options), text).toEqual(missing);
    for (const authorization of [
      "",
      "Bearer",
      "Basic eDp5",
      `Basic ${valid}`,
      `Bearer ${valid} x`,
      `Bearer\t${valid}`,
      valid,
      `Bearer,${valid}`,
    ]) {
      expect(await responded(undefined, { ...options, headers: { authorization } }), authorization).toEqual(
        missing,
      );
    }
  },
);
