import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, get } from "node:http";
import { Agent as TlsAgent, get as getOverTls } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { trustGlobally } from "../../../testkit/src/global-dispatcher.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";

/** More than the sockets of both hops hold. */
const BODY_BYTES = 6 * 1024 * 1024;

/** A body in which no two pieces are the same, wherever they begin: each four bytes say where they are, and in which body. */
function bodyOf(number: number): Buffer {
  const body = Buffer.allocUnsafe(BODY_BYTES);
  for (let at = 0; at < BODY_BYTES; at += 4) body.writeUInt32BE(number * BODY_BYTES + at, at);
  return body;
}

const BODIES = Array.from({ length: 6 }, (_, number) => bodyOf(number));

/** How a target frames a body. */
const FRAMINGS = {
  "with a length": (response: ServerResponse, body: Buffer) =>
    void response.writeHead(200, { "Content-Length": body.length }).end(body),
  "in chunks": (response: ServerResponse, body: Buffer) => {
    for (let at = 0; at < body.length; at += 100_000) response.write(body.subarray(at, at + 100_000));
    response.end();
  },
  "until its connection ends": (response: ServerResponse, body: Buffer) => {
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { Connection: "close" }).end(body);
  },
};

let clear: TestService;
let secure: TestService;
let target: TestTarget;
let certificate: TestCertificate;
let trust: AsyncDisposable;
beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  trust = trustGlobally(certificate.ca);
  clear = await startTestService();
  secure = await startTestService({ tls: certificate });
  target = await startStreamingTarget((request, response) => {
    const [framing, number] = (request.url ?? "").slice(1).split("/");
    const respond = Object.entries(FRAMINGS).find(([name]) => name === decodeURIComponent(framing ?? ""));
    respond?.[1](response, BODIES[Number(number)]!);
  });
});
afterAll(async () => {
  await clear.close();
  await secure.close();
  await target[Symbol.asyncDispose]();
  await trust[Symbol.asyncDispose]();
});

const digestOf = (body: Buffer): string => createHash("sha256").update(body).digest("hex");

/** Reads a body, and lets its target wait after each of so many bytes; 0: never. */
async function readBody(response: IncomingMessage, pauseAfterBytes: number): Promise<string> {
  const digest = createHash("sha256");
  let sincePause = 0;
  for await (const chunk of response) {
    digest.update(chunk);
    sincePause += chunk.length;
    if (pauseAfterBytes === 0 || sincePause < pauseAfterBytes) continue;
    sincePause = 0;
    await sleep(10);
  }
  return digest.digest("hex");
}

test.each(
  Object.keys(FRAMINGS).flatMap((framing) => ["http", "https"].map((scheme) => ({ framing, scheme }))),
)(
  "large bodies $framing arrive over $scheme as they were sent, however fast each client reads, and one after the other on its connection",
  async ({ framing, scheme }) => {
    const [service, agent] =
      scheme === "http"
        ? [clear, new Agent({ keepAlive: true })]
        : [secure, new TlsAgent({ keepAlive: true, ca: certificate.ca })];
    const { token } = await exportTarget(service, { uri: target.url, allowPath: true });
    const read = async (number: number, pauseAfterBytes: number): Promise<string> => {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const url = `${service.url}/${encodeURIComponent(framing)}/${number}`;
        const headers = { authorization: `Bearer ${token}` };
        const request = (scheme === "http" ? get : getOverTls)(url, { agent, headers }, resolve);
        request.on("error", reject);
      });
      return readBody(response, pauseAfterBytes);
    };
    const PAUSES = [0, 0, 64 * 1024, 300_000, 1_000_000, 2_000_000];
    for (let round = 0; round < 2; round += 1) {
      const received = await Promise.all(
        BODIES.map((_, number) => read(number, PAUSES[(number + round) % 6]!)),
      );
      expect(received).toEqual(BODIES.map(digestOf));
    }
    agent.destroy();
  },
);
