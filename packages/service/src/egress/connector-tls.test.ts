import { once } from "node:events";
import { createServer } from "node:tls";
import type { Server, TlsOptions, TLSSocket } from "node:tls";
import type { LookupFunction } from "node:net";
import { Pool } from "undici";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { targetOrigin } from "../../../testkit/src/target-origin.ts";
import { undiciConnect } from "../../../testkit/src/undici-connect.ts";
import { issueServerCertificate, issueAuthorityCertificate, generateAuthorityKey } from "../tls/x509.ts";
import type { CertificateAndKey } from "../tls/x509.ts";
import { createConnector } from "./connector.ts";
import { parseAllowTarget } from "./allow-rule.ts";
import { createEgressPolicy } from "./policy.ts";
import type { TargetTls } from "./handshake.ts";

const loopback = "127.0.0.2";
const policy = createEgressPolicy({
  allow: [parseAllowTarget(loopback)!, parseAllowTarget("[::1]")!],
  ownEndpoints: () => [],
  localAddresses: () => [],
  ownAuthorities: [],
});
const lookup: LookupFunction = (_hostname, _options, callback) =>
  callback(null, [{ address: loopback, family: 4 }]);

let authority: CertificateAndKey;
let stranger: CertificateAndKey;
let leaf: CertificateAndKey;
let client: CertificateAndKey;
const servers: Server[] = [];

beforeAll(async () => {
  const now = new Date();
  [authority, stranger] = await Promise.all([makeAuthority(now), makeAuthority(now)]);
  const names = [{ type: "dns", value: "target.example" } as const, { type: "ip", value: loopback } as const];
  [leaf, client] = await Promise.all([
    issueServerCertificate(authority, names, now),
    issueServerCertificate(authority, names, now),
  ]);
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe("the server's certificate", () => {
  test("is accepted for its name and for its address when the target's ca issued it", async () => {
    const { port } = await listen();
    expect((await handshake("target.example", port, { ca: authority.cert })).authorized).toBe(true);
    expect((await handshake(loopback, port, { ca: authority.cert })).authorized).toBe(true);
  });

  test("is accepted for an IPv6 address that it names, and for no other", async () => {
    const names = [{ type: "ip", value: "::1" } as const];
    const six = await issueServerCertificate(authority, names, new Date());
    for (const [certificate, isRight] of [
      [six, true],
      [leaf, false],
    ] as const) {
      const { port } = await listen({ cert: certificate.cert, key: certificate.key }, "::1");
      const shaken = handshake("::1", port, { ca: authority.cert });
      if (isRight) expect((await shaken).authorized).toBe(true);
      else await expect(shaken).rejects.toMatchObject({ cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" } });
    }
  });

  test("is refused without a ca of the target, and with the ca of another server", async () => {
    const { port } = await listen();
    await expect(handshake("target.example", port, {})).rejects.toMatchObject({
      code: "EGRESS_TLS_FAILED",
      cause: { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
    });
    await expect(handshake("target.example", port, { ca: stranger.cert })).rejects.toMatchObject({
      code: "EGRESS_TLS_FAILED",
    });
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "is refused for another name at the first try and at the second, over %s",
    async (version) => {
      const { port } = await listen({ minVersion: version, maxVersion: version });
      const connect = connectorWith({ ca: authority.cert });
      for (let round = 0; round < 3; round += 1) {
        await expect(connect("other.example", port)).rejects.toMatchObject({
          code: "EGRESS_TLS_FAILED",
          cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
        });
      }
    },
  );

  test("is not verified for a target that disables it, and for that one only", async () => {
    const { port } = await listen();
    expect((await handshake("other.example", port, { rejectUnauthorized: false })).authorized).toBe(false);
    await expect(handshake("other.example", port, { rejectUnauthorized: true })).rejects.toMatchObject({
      code: "EGRESS_TLS_FAILED",
    });
  });

  test("is checked whatever the environment says", async () => {
    const { port } = await listen();
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      await expect(handshake("target.example", port, {})).rejects.toMatchObject({
        code: "EGRESS_TLS_FAILED",
      });
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  test("cannot be made acceptable by options that are none of the four", async () => {
    const { port } = await listen();
    const extra = {
      ca: authority.cert,
      checkServerIdentity: () => undefined,
      servername: "target.example",
      lookup,
      socketPath: "/tmp/none.sock",
    };
    await expect(handshake("other.example", port, extra)).rejects.toMatchObject({
      code: "EGRESS_TLS_FAILED",
    });
  });
});

describe("the client's certificate", () => {
  test("is presented when the target has one, and by no other connector", async () => {
    const { port, peers } = await listen({ requestCert: true, rejectUnauthorized: false });
    await handshake("target.example", port, {
      ca: authority.cert,
      cert: client.cert,
      key: client.key,
    });
    await handshake("target.example", port, { ca: authority.cert });
    expect(peers.map(({ certificate }) => certificate)).toEqual([client.cert, undefined]);
  });

  test("that does not parse fails the connection and nothing else", async () => {
    const { port } = await listen();
    await expect(handshake("target.example", port, { cert: "junk", key: "junk" })).rejects.toMatchObject({
      code: "EGRESS_TLS_FAILED",
    });
  });
});

describe("the connection", () => {
  test("carries the host name as server name, none for an address, and offers HTTP/1.1 alone", async () => {
    const { port, peers } = await listen({ ALPNProtocols: ["h2", "http/1.1"] });
    await handshake("target.example", port, { ca: authority.cert });
    await handshake("target.example.", port, { ca: authority.cert });
    await handshake(loopback, port, { ca: authority.cert });
    expect(peers.map(({ servername }) => servername)).toEqual(["target.example", "target.example", false]);
    expect(peers.map(({ protocol }) => protocol)).toEqual(["http/1.1", "http/1.1", "http/1.1"]);
  });

  test("is resumed within a connector and never across two", async () => {
    const { port } = await listen({ maxVersion: "TLSv1.2" });
    const connect = connectorWith({ ca: authority.cert });
    expect((await connect("target.example", port)).resumed).toBe(false);
    expect((await connect("target.example", port)).resumed).toBe(true);
    expect((await connect(loopback, port)).resumed).toBe(false);
    expect((await handshake("target.example", port, { ca: authority.cert })).resumed).toBe(false);
  });

  test("that the server resets during the handshake fails, and the process goes on", async () => {
    const { port } = await listen({ SNICallback: (_name, callback) => callback(new Error("no")) });
    await expect(handshake("target.example", port, { ca: authority.cert })).rejects.toMatchObject({
      code: "EGRESS_TLS_FAILED",
    });
  });

  test("takes its server name from the origin and not from undici, which follows the Host header", async () => {
    const { port, peers } = await listen();
    const pool = new Pool(`https://target.example:${port}`, {
      connect: undiciConnect(
        createConnector({ policy, lookup, connectTimeoutMs: 5_000, tls: { ca: authority.cert } }),
      ),
    });
    const request = pool
      .request({ path: "/", method: "GET", headers: { host: "other.example" } })
      .catch((error: unknown) => error);
    await expect.poll(() => peers.length).toBe(1);
    expect(peers[0]?.servername).toBe("target.example");
    await pool.destroy();
    await request;
  });
});

async function makeAuthority(now: Date): Promise<CertificateAndKey> {
  const key = await generateAuthorityKey();
  return { key, cert: await issueAuthorityCertificate(key, now) };
}

/** What the server saw of a client, read while the connection was there. */
interface Peer {
  readonly certificate: string | undefined;
  readonly servername: unknown;
  readonly protocol: string | false | null;
}

/** What the client saw of its connection. */
interface Outcome {
  readonly authorized: boolean;
  readonly resumed: boolean;
}

async function listen(
  options: TlsOptions = {},
  address: string = loopback,
): Promise<{ readonly port: number; readonly peers: readonly Peer[] }> {
  const peers: Peer[] = [];
  const server = createServer({ cert: leaf.cert, key: leaf.key, ...options }, (socket) => {
    const servername: unknown = Reflect.get(socket, "servername");
    peers.push({
      certificate: socket.getPeerX509Certificate()?.toString(),
      servername,
      protocol: socket.alpnProtocol,
    });
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.resume();
  });
  server.on("tlsClientError", () => {});
  servers.push(server);
  server.listen(0, address);
  await once(server, "listening");
  return { port: (server.address() as { port: number }).port, peers };
}

function connectorWith(tls: TargetTls): (hostname: string, port: number) => Promise<Outcome> {
  const connector = createConnector({ policy, lookup, connectTimeoutMs: 5_000, tls });
  return (hostname, port) =>
    new Promise((resolve, reject) => {
      connector(targetOrigin(hostname, port, "https"), (error, socket) => {
        if (error !== null) {
          reject(error);
          return;
        }
        const secure = socket as TLSSocket;
        const outcome = { authorized: secure.authorized, resumed: secure.isSessionReused() };
        // Waits for the server's end, so that session tickets and client certificates have arrived.
        secure.resume();
        secure.once("close", () => resolve(outcome));
        secure.end();
      });
    });
}

function handshake(hostname: string, port: number, tls: TargetTls): Promise<Outcome> {
  return connectorWith(tls)(hostname, port);
}
