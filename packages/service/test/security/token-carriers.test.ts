import { formatToken } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { OK_RESPONSE, rawResponderAfterBody } from "../../../testkit/src/raw-responder.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { PROTOCOL_CARRIERS, spellingsOf, TOKEN_CARRIERS } from "../../../testkit/src/token-carriers.ts";

/*
 * A client may send its token in any of several headers. In each of them it is taken out of the request before anything else
 * sees it: it is found nowhere but in the client's own request.
 */

const UNKNOWN = formatToken(Buffer.alloc(64, 0x41));

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

interface Sent {
  readonly line?: string;
  readonly headers: readonly string[];
}

async function send(head: Sent): Promise<RawResponse & { readonly received: string }> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(undefined, head));
  const response = await nextResponse(connection);
  return { ...response, received: connection.received() };
}

function lineOf([name, value]: readonly [name: string, value: string]): string {
  return `${name}: ${value}`;
}

function expectAbsent(token: string, ...texts: readonly string[]): void {
  for (const text of texts)
    for (const spelling of spellingsOf(token))
      expect(text.toLowerCase()).not.toContain(spelling.toLowerCase());
}

test.each(TOKEN_CARRIERS)(
  "a token reaches neither the target nor the log nor an error: $name",
  async ({ header }) => {
    await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
    const membrane = await createMembrane(service, service.tokens.create, `carriers ${crypto.randomUUID()}`);
    const open = await exportThrough(service, membrane.export, { uri: target.url, allowQuery: true });
    const configured = { "x-api-key": "ours", Authorization: "Bearer ours" };
    const own = await exportThrough(service, membrane.export, { uri: target.url, headers: configured });
    const unreachable = await exportThrough(service, membrane.export, {
      uri: `http://127.0.0.1:${await freePort()}/`,
    });
    const texts: string[] = [];
    for (const [token, line, status] of [
      [open, "GET /?a=b HTTP/1.1", 200],
      [own, "GET / HTTP/1.1", 200],
      [open, "GET /path HTTP/1.1", 404],
      [open, "TRACE / HTTP/1.1", 405],
      [unreachable, "GET / HTTP/1.1", 502],
      [UNKNOWN, "GET / HTTP/1.1", 401],
      [membrane.export, "GET / HTTP/1.1", 405],
    ] as const) {
      const response = await send({ line, headers: [lineOf(header(token)), "X-Kept: 1"] });
      expect([token, line, response.status]).toEqual([token, line, status]);
      texts.push(response.received);
    }
    const [first = "", second = ""] = target.received().split("GET ").slice(1);
    expect(first).toContain("X-Kept: 1");
    expect(first.toLowerCase()).not.toMatch(/^(?:authorization|[\w-]*key|[\w-]*token|sec-\w+):/m);
    expect(second).toMatch(/^x-api-key: ours\r$/m);
    expect(second).toMatch(/^Authorization: Bearer ours\r$/m);
    for (const token of [open, own, unreachable, UNKNOWN, membrane.export])
      expectAbsent(token, target.received(), service.logged(), ...texts);
  },
);

test.each(PROTOCOL_CARRIERS)(
  "outside a handshake %s holds no token, and is not passed on either",
  async ({ header }) => {
    await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
    const { token } = await exportTarget(service, { uri: target.url });
    const [name, value] = header(token);
    expect((await send({ headers: [`${name}: ${value}`] })).status).toBe(401);
    const headers = [`X-Api-Key: ${token}`, `${name}: realtime, ${value}`];
    expect((await send({ headers })).status).toBe(200);
    expect(target.received()).toContain(`${name}: realtime\r\n`);
    expectAbsent(token, target.received(), service.logged());
  },
);

test("a copy of the token in what the target would get is a 400 that names its place, and nothing is sent", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const open = { uri: target.url, allowPath: true, allowQuery: true };
  const { token } = await exportTarget(service, open);
  const escaped = `%43${token.slice(1)}`;
  for (const { header } of TOKEN_CARRIERS) {
    for (const [place, line, ...copies] of [
      ["X-Copy", "GET / HTTP/1.1", `X-Copy: ${token}`],
      ["x-list", "GET / HTTP/1.1", "X-Long: a".padEnd(200, "a"), `x-list: a; key="${token}"`],
      ["[token]", "GET / HTTP/1.1", `${token}: a`],
      ["Via", "GET / HTTP/1.1", `Via: 1.1 ${token}`],
      ["CDN-Loop", "GET / HTTP/1.1", `CDN-Loop: a, ${token}; b`],
      ["query", `GET /?a=b&key=${token} HTTP/1.1`],
      ["path", `GET /a/${token}/b HTTP/1.1`],
      ["path", `GET /${escaped} HTTP/1.1`],
    ] as const) {
      const response = await send({ line, headers: [lineOf(header(token)), ...copies] });
      expect(response.status, line).toBe(400);
      const { code, message } = JSON.parse(response.body);
      expect([code, message]).toEqual([
        "invalid_field",
        `${place}: expected no capability token, since the target would get it`,
      ]);
      expectAbsent(token, response.received, service.logged());
    }
  }
  expect(target.received()).toBe("");
});

test("a copy of the token in what the target does not get is dropped with it, and another token passes", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url });
  const headers = [`Authorization: Bearer ${token}`, `Cookie: ${token}`, `X-Auth-Token: ${token}`];
  expect((await send({ line: `GET /?key=${token} HTTP/1.1`, headers })).status).toBe(200);
  expectAbsent(token, target.received(), service.logged());
  expect((await send({ headers: [...headers, `X-Other: ${UNKNOWN}`] })).status).toBe(200);
  expect(target.received()).toContain(`X-Other: ${UNKNOWN}\r\n`);
});

test("two different tokens are a 400, wherever they are, and neither is shown", async () => {
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  for (const one of TOKEN_CARRIERS) {
    for (const other of TOKEN_CARRIERS) {
      const headers = [lineOf(one.header(token)), lineOf(other.header(UNKNOWN))];
      const response = await send({ headers });
      expect(response.status, headers.join()).toBe(400);
      expect(JSON.parse(response.body)).toMatchObject({ code: "malformed_request" });
      expectAbsent(token, response.received, service.logged());
      expectAbsent(UNKNOWN, response.received, service.logged());
    }
  }
});

test("a key that is no token is none of the service's, and a target that carries a credential does not get it", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const theirs = "theirs-6f1e";
  const lines = TOKEN_CARRIERS.slice(4).map(({ header }) => lineOf(header(theirs)));
  const plain = await exportTarget(service, { uri: target.url });
  await send({ headers: [`Authorization: Bearer ${plain.token}`, ...lines] });
  for (const line of lines) expect(target.received()).toContain(line);

  const before = target.received().length;
  const own = await exportTarget(service, { uri: target.url, headers: { "api-key": "ours" } });
  expect((await send({ headers: [`Authorization: token ${own.token}`, ...lines] })).status).toBe(200);
  const received = target.received().slice(before);
  expect(received).not.toContain(theirs);
  expect(received).toMatch(/^api-key: ours\r$/m);
});

test.each(["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: document"])(
  "Basic credentials of a browser are a 401 that does not ask for them: %s",
  async (line) => {
    await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
    const { token } = await exportTarget(service, { uri: target.url });
    for (const { header } of TOKEN_CARRIERS) {
      const [name, value] = header(token);
      const { status, headers } = await send({ headers: [`${name}: ${value}`, line] });
      const isBasic = value.startsWith("Basic");
      expect([value, status]).toEqual([value, isBasic ? 401 : 200]);
      if (isBasic) expect(headers.get("www-authenticate")).toEqual(["Bearer"]);
    }
  },
);

test("OPTIONS without a token is a preflight that names the headers that can hold one; with a token it is an invocation", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url });
  const preflight = await send({ line: "OPTIONS / HTTP/1.1", headers: ["X-Api-Key: theirs"] });
  expect(preflight.status).toBe(204);
  const allowed = preflight.headers.get("access-control-allow-headers")?.[0]?.toLowerCase().split(", ");
  for (const { header } of TOKEN_CARRIERS) {
    const [name, value] = header(token);
    expect(allowed).toContain(name.toLowerCase());
    const line = "OPTIONS / HTTP/1.1";
    expect((await send({ line, headers: [`${name}: ${value}`] })).status, value).toBe(200);
    expect((await send({ line, headers: [lineOf(header(UNKNOWN))] })).status, value).toBe(401);
  }
});
