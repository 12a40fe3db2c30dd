import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { openConnection } from "./connection.ts";
import { createAuthenticationCheck } from "./authentication-guard.ts";

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
  ["two challenges", Buffer.concat([challenge("r=abc,s=YWJj,i=4096"), challenge("r=abc,s=YWJj,i=4096")])],
  ["a request for a copy", Buffer.from("G\0\0\0\x04")],
  ["a notification without an end", Buffer.from("A\0\0\0\x05x")],
  ["a message that is too long", Buffer.from("R\x7f\xff\xff\xff", "latin1")],
  ["a message that is too short", Buffer.from("R\0\0\0\0", "latin1")],
])("a server without TLS that sends %s gets no answer, and ends no process", async (_what, response) => {
  const refused = { failure: { code: "AUTHENTICATION_INVALID" } };
  expect(await connectTo(SASL, response)).toMatchObject(refused);
  expect(
    await connectTo(Buffer.concat([SASL, response.subarray(0, -1)]), response.subarray(-1)),
  ).toMatchObject(refused);
});

test("requests are recognized however they are cut into pieces, and only whole ones that are allowed are passed on", () => {
  const allowed = Buffer.concat([Buffer.from("N\0\0\0\x05\0"), SASL, challenge("r=abc,s=YWJj,i=4096")]);
  for (const forbidden of [request(3), challenge("r=abc,s=YWJj,i=4096"), Buffer.from("A\0\0\0\x05x")]) {
    const whole = Buffer.concat([allowed, forbidden]);
    for (let size = 1; size <= whole.length; size += 1) {
      const check = createAuthenticationCheck();
      const passed: Buffer[] = [];
      let problem: unknown;
      for (let at = 0; at < whole.length && problem === undefined; at += size) {
        const result = check(whole.subarray(at, at + size));
        passed.push(result.bytes);
        problem = result.problem;
      }
      expect(problem).toMatchObject({ code: "AUTHENTICATION_INVALID" });
      expect(Buffer.concat(passed)).toEqual(allowed);
    }
  }
});

test("once the user is in, all that follows is passed on", () => {
  const check = createAuthenticationCheck();
  expect(check(SASL.subarray(0, 4))).toEqual({ bytes: Buffer.alloc(0) });
  expect(check(SASL.subarray(4))).toEqual({ bytes: SASL });
  const rest = Buffer.concat([challenge("r=abc,s=YWJj,i=4096"), request(12, "v=abc"), ACCEPTED, request(3)]);
  expect(check(rest)).toEqual({ bytes: rest, isAccepted: true });
});
