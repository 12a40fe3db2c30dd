import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { LookupFunction, Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { err, parseAuthority } from "capability-protocol";
import { Pool } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../testkit/src/free-port.ts";
import { listenOnLoopback } from "../../../testkit/src/loopback.ts";
import { targetOrigin } from "../../../testkit/src/target-origin.ts";
import { undiciConnect } from "../../../testkit/src/undici-connect.ts";
import { createConnector } from "./connector.ts";
import type { ConnectorOptions } from "./connector.ts";
import { EgressDeniedError } from "./errors.ts";
import { parseAllowTarget } from "./allow-rule.ts";
import { createEgressPolicy } from "./policy.ts";
import type { EgressPolicy } from "./policy.ts";

type Answers = readonly string[] | "never" | Error;

const opened = "127.0.0.2";
const forbidden = "127.0.0.1";
const policy = policyThatOpens(`${opened}/32`);

let server: Server;
let loopback: Awaited<ReturnType<typeof listenOnLoopback>>;
let port: number;
const reached: string[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  server = createServer((_request, response) => response.end("reached"));
  server.on("connection", (socket: Socket) => reached.push(socket.localAddress ?? "gone"));
  loopback = await listenOnLoopback(server, [opened]);
  ({ port } = loopback);
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  reached.length = 0;
});

afterAll(() => loopback.close());

describe("a name", () => {
  test("that has more addresses than are checked is not connected to, whatever they are", async () => {
    const checked: string[] = [];
    const counting: EgressPolicy = {
      ...policy,
      checkAddress(address, at) {
        checked.push(address);
        return policy.checkAddress(address, at);
      },
    };
    const connectTo = (count: number): ReturnType<typeof connect> => {
      const { lookup } = resolver(Array<string>(count).fill(opened));
      return connect("target.example", { policy: counting, lookup });
    };
    await connectTo(512);
    expect(checked.length).toBe(512 + 1);
    await expect(connectTo(513)).rejects.toMatchObject({ code: "EGRESS_DNS_FAILED" });
    expect(checked.length).toBe(512 + 1);
  });

  test("is connected to at the address it resolves to", async () => {
    const socket = await connect("target.example", { lookup: resolver([opened]).lookup });
    expect(socket.remoteAddress).toBe(opened);
  });

  test("is looked up once, for all its addresses, and not again after the check", async () => {
    const dns = resolver([opened], [forbidden]);
    await connect("target.example", { lookup: dns.lookup });
    expect(dns.asked).toEqual([{ hostname: "target.example", all: true }]);
    expect(reached).toEqual([opened]);
  });

  test.each([
    ["a forbidden address alone", [forbidden]],
    ["a forbidden address after an allowed one", [opened, forbidden]],
    ["a forbidden address before an allowed one", [forbidden, opened]],
    ["an IPv6 loopback address together with an allowed IPv4 one", [opened, "::1"]],
    ["a forbidden address after many allowed ones", [...Array<string>(200).fill(opened), forbidden]],
    ["a mapped metadata address", ["::ffff:169.254.169.254"]],
    ["a mapped form of the allowed address", [`::ffff:${opened}`]],
    ["a metadata address in the NAT64 prefix", ["64:ff9b::a9fe:a9fe"]],
    ["an address with a zone id", ["fe80::1%eth0"]],
    ["a private address", ["10.0.0.1"]],
    ["0.0.0.0, which reaches the loopback interface", ["0.0.0.0"]],
    ["what is not an address", ["not an address"]],
  ])("that resolves to %s is denied, and nothing is connected to", async (_what, answers) => {
    const error = await failure("target.example", { lookup: resolver(answers).lookup });
    expect(error).toMatchObject({ code: "EGRESS_DENIED" });
    expect(reached).toEqual([]);
  });

  test("is connected to at the only address that a lookup returns", async () => {
    const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, opened, 4);
    expect((await connect("target.example", { lookup })).remoteAddress).toBe(opened);
  });

  test("of a metadata service or of this service is denied before it is resolved", async () => {
    const dns = resolver([opened]);
    const own = createEgressPolicy({
      allow: [],
      ownEndpoints: () => [],
      localAddresses: () => [],
      ownAuthorities: [parseAuthority(`gateway.example:${port}`)!],
    });
    for (const name of ["metadata.google.internal", "METADATA.", "gateway.example"]) {
      expect(await failure(name, { lookup: dns.lookup, policy: own })).toMatchObject({
        code: "EGRESS_DENIED",
      });
    }
    expect(dns.asked).toEqual([]);
  });

  test("that resolves to the service itself is denied, although the address is opened", async () => {
    const own = createEgressPolicy({
      allow: [parseAllowTarget("0.0.0.0/0")!],
      ownEndpoints: () => [{ address: "0.0.0.0", port }],
      localAddresses: () => [],
      ownAuthorities: [],
    });
    const error = await failure("target.example", {
      lookup: resolver([opened]).lookup,
      policy: own,
    });
    expect(error).toMatchObject({ code: "EGRESS_DENIED", reason: "own-endpoint" });
  });
});

test("a forbidden transport is denied before the name is resolved", async () => {
  const dns = resolver([opened]);
  const strict = policyThatOpens(`${opened}/32`);
  const checked: unknown[] = [];
  const checkTransport: EgressPolicy["checkTransport"] = ({ scheme }, tls) => {
    checked.push([scheme, tls]);
    return err("plain-http");
  };
  const options = { lookup: dns.lookup, policy: { ...strict, checkTransport } };
  const denied = { code: "EGRESS_DENIED", reason: "plain-http" };
  expect(await failure("target.example", options)).toMatchObject(denied);
  for (const tls of [{}, { rejectUnauthorized: true }, { rejectUnauthorized: false }])
    expect(await failure("target.example", { ...options, tls }, { scheme: "https" })).toMatchObject(denied);
  expect(checked).toEqual([
    ["http", undefined],
    ["https", {}],
    ["https", { rejectUnauthorized: true }],
    ["https", { rejectUnauthorized: false }],
  ]);
  expect([dns.asked, reached]).toEqual([[], []]);
});

describe("a literal", () => {
  test("that is forbidden is denied, although it is not looked up", async () => {
    const dns = resolver([opened]);
    for (const literal of [
      forbidden,
      "::1",
      "[::1]",
      "::ffff:127.0.0.1",
      "[::ffff:7f00:2]",
      "169.254.169.254",
      "fe80::1%lo",
    ]) {
      expect(await failure(literal, { lookup: dns.lookup })).toMatchObject({
        code: "EGRESS_DENIED",
      });
    }
    expect(dns.asked).toEqual([]);
    expect(reached).toEqual([]);
  });

  test("that is opened is connected to without a lookup", async () => {
    const dns = resolver([forbidden]);
    expect((await connect(opened, { lookup: dns.lookup })).remoteAddress).toBe(opened);
    expect(dns.asked).toEqual([]);
  });

  test("reaches no other address than the one that was checked", async () => {
    // The kernel turns 0.0.0.0 into 127.0.0.1.
    const error = await failure("0.0.0.0", { policy: policyThatOpens("0.0.0.0/8") });
    expect(error).toMatchObject({ code: "EGRESS_DENIED", reason: "special-purpose" });
  });
});

describe("a failure", () => {
  test.each([
    ["an empty result", [] as Answers],
    [
      "an error of the resolver",
      Object.assign(new Error("getaddrinfo ENOTFOUND target.example"), { code: "ENOTFOUND" }),
    ],
  ])("of name resolution by %s has a code", async (_what, answers) => {
    expect(await failure("target.example", { lookup: resolver(answers).lookup })).toMatchObject({
      code: "EGRESS_DNS_FAILED",
    });
  });

  test("to resolve in time counts against the time to connect", async () => {
    const error = await failure("target.example", {
      lookup: resolver("never").lookup,
      connectTimeoutMs: 20,
    });
    expect(error).toMatchObject({ code: "EGRESS_CONNECT_TIMEOUT" });
  });

  test("to resolve in time stays one: a late result leads to no connection", async () => {
    let answer = (): void => {};
    const lookup: LookupFunction = (_hostname, _options, callback) => {
      answer = () => callback(null, [{ address: opened, family: 4 }]);
    };
    await failure("target.example", { lookup, connectTimeoutMs: 20 });
    answer();
    // The server accepts in order: once it has responded to this request, an earlier connection would have shown up.
    await setImmediate();
    const probe = await connect(opened, {});
    probe.write("GET / HTTP/1.1\r\nHost: target.example\r\n\r\n");
    await once(probe, "data");
    expect(reached).toHaveLength(1);
  });

  test("to finish the TLS handshake in time closes the socket", async () => {
    const silent = createTcpServer();
    const accepted = once(silent, "connection");
    silent.listen(0, opened);
    await once(silent, "listening");
    const error = await failure(opened, { connectTimeoutMs: 50 }, { scheme: "https", at: portOf(silent) });
    expect(error).toMatchObject({ code: "EGRESS_CONNECT_TIMEOUT" });
    const [socket] = (await accepted) as [Socket];
    socket.resume();
    await once(socket, "close");
    silent.close();
  });

  test("to connect to the first address leads to the next one", async () => {
    const block = policyThatOpens("127.0.2.0/24", opened);
    const lone = createTcpServer().listen(0, opened);
    await once(lone, "listening");
    const socket = await attempt(
      "target.example",
      { lookup: resolver(["127.0.2.1", "127.0.2.2", opened]).lookup, policy: block },
      { at: portOf(lone) },
    );
    expect(socket.remoteAddress).toBe(opened);
    socket.destroy();
    lone.close();
  });

  test("to connect has a code and a cause, after a bounded number of attempts", async () => {
    const many = Array.from({ length: 250 }, (_, i) => `127.0.2.${i}`);
    const options = {
      lookup: resolver([...many, ...many]).lookup,
      policy: policyThatOpens("127.0.2.0/24"),
    };
    const error = await failure("target.example", options, { at: await freePort(opened) });
    expect(error).toMatchObject({ code: "EGRESS_CONNECT_FAILED", cause: { code: "ECONNREFUSED" } });
    expect((error.cause as AggregateError).errors).toHaveLength(3);
  });

  test("names the target in no message", async () => {
    const failures = await Promise.all([
      failure("secret.example", { lookup: resolver(["10.11.12.13"]).lookup }),
      failure("secret.example", { lookup: resolver(new Error("ENOTFOUND secret.example")).lookup }),
      failure("secret.example", { lookup: resolver("never").lookup, connectTimeoutMs: 20 }),
      failure(opened, {}, { at: await freePort(opened) }),
      failure(opened, {}, { scheme: "https" }),
    ]);
    for (const { message } of failures) expect(message).not.toMatch(/secret|10\.11|127\.|\d{3}/);
  });

  test("by the policy is an EgressDeniedError with the reason", async () => {
    const error = await failure("169.254.169.254", {});
    expect(error).toBeInstanceOf(EgressDeniedError);
    expect(error).toMatchObject({ code: "EGRESS_DENIED", reason: "metadata" });
  });
});

describe("in an undici pool", () => {
  test("a pooled socket stays with its checked address and a new one is checked again", async () => {
    const dns = resolver([opened], ["10.0.0.1"]);
    const pool = new Pool(`http://target.example:${port}`, {
      connections: 1,
      connect: undiciConnect(createConnector({ policy, lookup: dns.lookup, connectTimeoutMs: 5_000 })),
    });
    const get = async (): Promise<string> => (await pool.request({ path: "/", method: "GET" })).body.text();
    expect(await get()).toBe("reached");
    expect(await get()).toBe("reached");
    expect(dns.asked).toHaveLength(1);
    const closed = once(pool, "disconnect");
    server.closeIdleConnections();
    await closed;
    await expect(get()).rejects.toMatchObject({ code: "EGRESS_DENIED" });
    expect(reached).toEqual([opened]);
    await pool.destroy();
  });

  test("no option of undici leads around the policy", async () => {
    const connector = createConnector({ policy, lookup: resolver([opened]).lookup, connectTimeoutMs: 5_000 });
    const pool = new Pool(`http://${forbidden}:${port}`, {
      connect: undiciConnect(connector),
      socketPath: "/tmp/membrane-no-such.sock",
    });
    await expect(pool.request({ path: "/", method: "GET" })).rejects.toMatchObject({
      code: "EGRESS_DENIED",
    });
    await pool.destroy();
  });
});

function policyThatOpens(...rules: readonly string[]): EgressPolicy {
  return createEgressPolicy({
    allow: rules.map((text) => parseAllowTarget(text)!),
    ownEndpoints: () => [],
    localAddresses: () => [],
    ownAuthorities: [],
  });
}

/** Resolves lookups in the order of the script and repeats the last result, as an attacker's name server may. */
function resolver(...script: readonly Answers[]): {
  readonly lookup: LookupFunction;
  readonly asked: { hostname: string; all: boolean | undefined }[];
} {
  const asked: { hostname: string; all: boolean | undefined }[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    const answers = script[Math.min(asked.length, script.length - 1)] ?? "never";
    asked.push({ hostname, all: options.all });
    if (answers === "never") return;
    if (answers instanceof Error) callback(answers, []);
    else
      callback(
        null,
        answers.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
  };
  return { lookup, asked };
}

/** Where a host is connected to, and how. */
interface Place {
  readonly at?: number;
  readonly scheme?: "http" | "https";
}

function attempt(
  hostname: string,
  options: Partial<ConnectorOptions>,
  { at = port, scheme = "http" }: Place = {},
): Promise<Socket> {
  const { lookup } = resolver([]);
  const connector = createConnector({ policy, lookup, connectTimeoutMs: 5_000, ...options });
  return new Promise((resolve, reject) => {
    connector(targetOrigin(hostname, at, scheme), (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

async function connect(hostname: string, options: Partial<ConnectorOptions>): Promise<Socket> {
  const socket = await attempt(hostname, options);
  sockets.push(socket);
  return socket;
}

function failure(hostname: string, options: Partial<ConnectorOptions>, place?: Place): Promise<Error> {
  return attempt(hostname, options, place).then(
    (socket) => {
      socket.destroy();
      throw new Error("connected");
    },
    (error: Error) => error,
  );
}

function portOf(listening: { address(): unknown }): number {
  return (listening.address() as { port: number }).port;
}
