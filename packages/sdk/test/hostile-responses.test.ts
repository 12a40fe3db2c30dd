import type { Socket } from "node:net";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import CapabilitySDK from "../src/index.ts";
import type { Membrane } from "../src/index.ts";
import { CANARY, startRawTlsServer } from "./support/tls-server.ts";

const rawResponse = (status: string, body: string, ...headers: readonly string[]): string =>
  [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body, "latin1")}`, ...headers, "", body].join(
    "\r\n",
  );

const cut = (socket: Socket): void => void socket.destroy();
const ended = (socket: Socket): void => void socket.end();

type Use = (client: Membrane, capability: string) => Promise<unknown>;

const create: Use = (client, capability) => client.create(capability, { id: "m" });
const exporting: Use = (client, capability) => client.export(capability, { uri: "https://example.com/" });
const query: Use = (client, capability) => client.query(capability);
const revoke: Use = (client, capability) => client.revoke(capability);
const deleteSelf: Use = (client, capability) => client.deleteSelf(capability);

async function failure(use: Use, bytes: string, after?: (socket: Socket) => void): Promise<any> {
  await using server = await startRawTlsServer(bytes, after);
  const client = new CapabilitySDK.Membrane({ tls: { trustedCA: { [server.authority]: server.ca } } });
  const error: unknown = await use(client, server.capability).then(
    (value) => expect.unreachable(`responded with ${JSON.stringify(value)}`),
    (refused: unknown) => refused,
  );
  expect(error).toBeInstanceOf(CapabilitySDK.CapabilityError);
  for (const text of shown(error as Error)) expect(text).not.toContain(CANARY);
  return error;
}

/** Everything that a program could print of an error. */
function shown(error: Error): readonly string[] {
  const everything = { depth: Infinity, showHidden: true, maxStringLength: Infinity };
  return [error.message, error.stack ?? "", String(error), JSON.stringify(error), inspect(error, everything)];
}

describe.each([
  ["garbage", `no HTTP at all ${CANARY}\r\n\r\n`, undefined],
  ["nothing", "", ended],
  ["half a head", "HTTP/1.1 200 OK\r\nContent-", cut],
  ["a truncated body", `HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n{"id"`, cut],
  ["truncated chunks", 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n', ended],
  [
    "another protocol",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    undefined,
  ],
  ["a head without end", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(99_999)}`, undefined],
])("%s", (_what, bytes, after) => {
  test.each([
    ["create", create],
    ["query", query],
    ["revoke", revoke],
  ])("is not a response to %s", async (_name, use) => {
    const error = await failure(use, bytes, after);
    expect(error).toMatchObject({ error: "Request failed", statusCode: 0, code: "request_failed" });
    expect(error.message).toMatch(/^No response: ./);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

test("a response without end is aborted long before it fills the memory", async () => {
  const piece = `4000\r\n${"[".repeat(0x4000)}\r\n`;
  const pour = (socket: Socket): void => {
    while (socket.writable && socket.write(piece)) {
      // Writes until the buffers are full.
    }
  };
  const error = await failure(query, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", (socket) => {
    socket.on("drain", () => pour(socket));
    pour(socket);
  });
  expect(error).toMatchObject({ code: "invalid_response", statusCode: 200 });
  expect(error.message).toContain("body: expected at most 16 MiB");
});

test("the error for bytes that could not be parsed does not contain them, since they may repeat the token", async () => {
  const error = await failure(query, `no HTTP at all ${CANARY}\r\n\r\n`);
  expect(error.cause).not.toHaveProperty("rawPacket");
});

const uri = `cpblty://membrane.example.com/#CPBLTY1-${"A".repeat(86)}`;

describe("is not a valid response of a Membrane Service:", () => {
  test.each([
    ["create", create, rawResponse("201 Created", "<html></html>"), "body: expected JSON"],
    ["create", create, rawResponse("201 Created", ""), "body: expected a JSON object"],
    ["create", create, rawResponse("200 OK", "[]"), "body: expected a JSON object"],
    ["create", create, rawResponse("201 Created", '{"id":1}'), "id: expected a string"],
    ["create", create, rawResponse("201 Created", '{"id":"m"}'), "capabilities: expected a JSON object"],
    [
      "create",
      create,
      rawResponse("201 Created", `{"id":"m","capabilities":{"export":"${CANARY}","revoke":"${uri}"}}`),
      "capabilities.export: expected a capability URI",
    ],
    [
      "create",
      create,
      rawResponse(
        "201 Created",
        `{"id":"m","capabilities":{"export":"${uri}","revoke":"https://x/#${CANARY}"}}`,
      ),
      "capabilities.revoke: expected a capability URI",
    ],
    [
      "export",
      exporting,
      rawResponse("201 Created", '{"capability":"x"}'),
      "capability: expected a capability URI",
    ],
    ["query", query, rawResponse("200 OK", '{"membranes":{}}'), "membranes: expected an array"],
    ["query", query, rawResponse("200 OK", '{"membranes":[]}'), "completed: expected true or false"],
    [
      "query",
      query,
      rawResponse("200 OK", `{"membranes":[{"id":"m","capabilities":{"export":"x"}}],"completed":true}`),
      "membranes.0.capabilities.export: expected a capability URI",
    ],
    ["revoke", revoke, rawResponse("202 Accepted", '{"statusCode":200}'), "statusCode: expected 202"],
    ["deleteSelf", deleteSelf, rawResponse("202 Accepted", "null"), "body: expected a JSON object"],
    ["revoke", revoke, "HTTP/1.1 204 No Content\r\n\r\n", "body: expected a JSON object"],
    [
      "revoke",
      revoke,
      rawResponse("302 Found", "", "Location: https://evil.invalid/"),
      "body: expected a JSON object",
    ],
    [
      "revoke",
      revoke,
      rawResponse("307 Moved", "moved", "Location: https://evil.invalid/"),
      "body: expected JSON",
    ],
  ])("%s with the response %#", async (_name, use, bytes, reason) => {
    const error = await failure(use, bytes);
    expect(error).toMatchObject({ error: "Parsing response failed", code: "invalid_response" });
    expect(error.statusCode).toBe(Number(bytes.slice(9, 12)));
    expect(error.message).toBe(`The response is not valid: ${reason}`);
  });
});

test("a redirect is not followed, so the token is not sent elsewhere", async () => {
  await using elsewhere = await startRawTlsServer(rawResponse("202 Accepted", '{"statusCode":202}'));
  const location = `Location: https://${elsewhere.authority}/`;
  for (const status of ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"]) {
    await failure(revoke, rawResponse(status, "", location));
  }
  expect(elsewhere.connections()).toBe(0);
});

test("the 502 page of a proxy is an error with the status and the reason phrase", async () => {
  const error = await failure(
    create,
    rawResponse("502 Bad Gateway", `<html>${CANARY}</html>`, "Content-Type: text/html"),
  );
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    statusCode: 502,
    error: "Bad Gateway",
    message: "Responded with 502 Bad Gateway",
    code: "error_response",
  });
});

const MARKS = "\u001b[31m\u009b2J\r\n\0\u0007\u2028\u202e\u2066";

test.each(["error", "message", "code"])(
  "control characters in the member %s of an error are replaced, so that they cannot act in a terminal or a log",
  async (member) => {
    const body = JSON.stringify({ [member]: `a${MARKS}b` }).replace(
      /[^ -~]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    const error = await failure(revoke, rawResponse("500 Internal Server Error", body));
    expect(error[member]).toBe("a?[31m?2J???????b");
    expect(inspect(error)).not.toContain("\u001b");
  },
);

test("control characters in a reason phrase are replaced", async () => {
  const error = await failure(revoke, rawResponse("500 \u001b[31mred", ""));
  expect(error).toMatchObject({ error: "?[31mred", message: "Responded with 500 ?[31mred" });
});

test("a message of 100 KiB is shortened", async () => {
  const error = await failure(
    revoke,
    rawResponse("500 Oops", JSON.stringify({ message: "m".repeat(102_400) })),
  );
  expect(error.message).toBe("m".repeat(1_000));
});

test("an error does not show a token that a response repeats", async () => {
  const echo = `Bearer ${CANARY} and ${CANARY}`;
  const body = JSON.stringify({ error: echo, message: "m".repeat(950) + echo, code: echo });
  const error = await failure(revoke, rawResponse(`500 ${CANARY}`, body));
  expect(error.error).toBe("Bearer CPBLTY1-... and CPBLTY1-...");
  expect(JSON.stringify(error)).not.toContain("canary");
  expect(await failure(revoke, rawResponse(`500 ${CANARY}`, ""))).toMatchObject({ error: "CPBLTY1-..." });
});
