import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { openConnection } from "./connection.ts";
import { createAuthenticationGuard } from "./authentication-guard.ts";

const PASSWORD = "canary-of-the-password";

/** A request for the proof of a user, as a server sends it. */
function request(kind: number, rest = ""): Buffer {
  const body = Buffer.from(rest);
  const head = Buffer.alloc(9);
  head.write("R");
  head.writeUInt32BE(8 + body.length, 1);
  head.writeUInt32BE(kind, 5);
  return Buffer.concat([head, body]);
}

const SASL = request(10, "SCRAM-SHA-256\0\0");
const challenge = (text: string): Buffer => request(11, text);
const IDLE = Buffer.from("Z\0\0\0\x05I");
const ACCEPTED = Buffer.concat([request(0), IDLE]);
const DONE = Buffer.concat([Buffer.from("C\0\0\0\x0bSELECT\0"), IDLE]);

/** Connects to a server that sends one of these for each message of its client. @returns why that failed, and what it was sent. */
async function connectTo(...responses: readonly Buffer[]) {
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    let next = 0;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      received.push(chunk);
      const response = responses[next];
      next += 1;
      if (response === undefined) socket.destroy();
      else socket.write(response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connection = openConnection(
    {
      host: "127.0.0.1",
      port,
      database: "d",
      user: "u",
      password: PASSWORD,
      sslMode: "disable",
      connectTimeoutMs: 2_000,
    },
    10_000,
  );
  const failure: unknown = await connection.query("SELECT").catch((error: unknown) => error);
  connection.destroy();
  server.close();
  await once(server, "close");
  return { failure, received: Buffer.concat(received).toString("latin1") };
}

test("a server without TLS does not get the password itself", async () => {
  for (const notice of [Buffer.alloc(0), Buffer.from("N\0\0\0\x05\0")]) {
    const { failure, received } = await connectTo(Buffer.concat([notice, request(3)]));
    expect(failure).toMatchObject({ code: "PASSWORD_IN_CLEAR" });
    expect(received).toContain("application_name");
    expect(received).not.toContain(PASSWORD);
  }
});

test.each([
  ["at once", [Buffer.concat([ACCEPTED, request(3)]), DONE, DONE]],
  ["later", [ACCEPTED, Buffer.concat([request(3), DONE]), DONE]],
])("nor if it asks for it %s when it has let the user in", async (_when, responses) => {
  const { failure, received } = await connectTo(...responses);
  expect(failure).toEqual([]);
  expect(received).not.toContain(PASSWORD);
});

test.each([
  ["no number of rounds", challenge("r=abc,s=YWJj")],
  ["rounds that are no number", challenge("r=abc,s=YWJj,i=many")],
  ["too many rounds", challenge("r=abc,s=YWJj,i=2000000000")],
  ["a second number of rounds", challenge("r=abc,s=YWJj,i=4096,i=999999999")],
  ["no salt", challenge("r=abc,i=4096")],
  ["a kind that there is not", request(99)],
  ["a message that is too long", Buffer.from("R\x7f\xff\xff\xff", "latin1")],
  ["a message that is too short", Buffer.from("R\0\0\0\0", "latin1")],
])("a server without TLS that sends %s gets no answer, and ends no process", async (_what, response) => {
  expect(await connectTo(SASL, response)).toMatchObject({ failure: { code: "AUTHENTICATION_INVALID" } });
});

test("requests are recognized however they are cut into pieces", () => {
  const whole = Buffer.concat([SASL, challenge("r=abc,s=YWJj,i=4096"), request(3)]);
  for (let size = 1; size <= whole.length; size += 1) {
    const problemIn = createAuthenticationGuard(() => undefined);
    const problems = [];
    for (let at = 0; at < whole.length; at += size) problems.push(problemIn(whole.subarray(at, at + size)));
    expect(problems.findIndex((problem) => problem !== undefined)).toBe(problems.length - 1);
  }
});
