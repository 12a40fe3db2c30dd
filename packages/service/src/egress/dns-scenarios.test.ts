import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { LookupFunction, Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { listenOnLoopback } from "../../../testkit/src/loopback.ts";
import { clientOfRun } from "../../../testkit/src/upstream-client.ts";
import { targetOrigin } from "../../../testkit/src/target-origin.ts";
import type { UpstreamPool } from "../http1/upstream.ts";
import type { EgressReason, OwnEndpoint } from "./policy.ts";
import { parseAllowTarget } from "./allow-rule.ts";
import { createEgressPolicy } from "./policy.ts";
import { requestFromPool } from "../../../testkit/src/pool-request.ts";
import { createPools, poolKey } from "./pools.ts";
import type { Destination, PoolLimits, Pools } from "./pools.ts";
import { fixedLookup } from "./resolve-host.ts";

/*
 * What a hostile name server can try, complete in one table. `outside` represents a public address and `inside` a
 * forbidden one; both listen on the same port. What clients see of it: test/security/dns-scenarios.test.ts.
 */

const outside = "127.0.0.2";
const inside = "127.0.0.1";
const everything = ["0.0.0.0/0", "::/0"];

type Answers = readonly string[] | "never";

interface Scenario {
  /** The scenario's name, and what must hold. */
  readonly title: string;
  /** One result per lookup; the last one is repeated. */
  readonly answers: readonly Answers[];
  readonly show: (dns: Dns) => Promise<void>;
}

const scenarios: readonly Scenario[] = [
  {
    title:
      "rebind-after-check: a connection looks its name up once, and its socket goes to the address that was checked",
    answers: [[outside], [inside]],
    async show(dns) {
      expect(await get(poolsWith(dns))).toBe("reached");
      expect(dns.asked).toHaveLength(1);
      expect(reached).toEqual([outside]);
    },
  },
  {
    title: "mixed-A: one forbidden address denies all, in any position",
    answers: [
      [outside, inside],
      [inside, outside],
    ],
    show: (dns) => expectAllDenied(dns, "special-purpose"),
  },
  {
    title: "mixed-A-AAAA: a forbidden address of the other family denies all, and is not connected to",
    answers: [
      [outside, "::1"],
      ["::1", outside],
    ],
    show: (dns) => expectAllDenied(dns, "special-purpose"),
  },
  {
    title: "mapped-AAAA: an IPv4 address mapped into IPv6 is denied, even where everything is opened",
    answers: [["::ffff:169.254.169.254"], [`::ffff:${outside}`]],
    show: (dns) => expectAllDenied(dns, "embedded-ipv4", everything),
  },
  {
    title: "nat64-AAAA: an IPv4 address in a NAT64 prefix is denied, even where everything is opened",
    answers: [["64:ff9b::a9fe:a9fe"], ["64:ff9b:1::a9fe:a9fe"]],
    show: (dns) => expectAllDenied(dns, "embedded-ipv4", everything),
  },
  {
    title: "zone-id-AAAA: an address with a zone id is not an address, even where everything is opened",
    answers: [["fe80::1%eth0"], ["::1%lo"]],
    show: (dns) => expectAllDenied(dns, "not-an-address", everything),
  },
  {
    title: "literal-no-lookup: a forbidden literal is denied, although it is not looked up",
    answers: [],
    async show(dns) {
      for (const host of [inside, "[::1]"])
        await expectDenied(poolsWith(dns), "special-purpose", { origin: targetOrigin(host, port) });
      expect(dns.asked).toEqual([]);
    },
  },
  {
    title: "keepalive-reuse-after-rebind: a pooled socket stays, and the next one is checked again",
    answers: [[outside], [inside]],
    async show(dns) {
      const pools = poolsWith(dns);
      await get(pools);
      await get(pools);
      expect(dns.asked).toHaveLength(1);
      server.closeIdleConnections();
      await expect(get(pools)).rejects.toMatchObject({ code: "EGRESS_DENIED" });
      expect(dns.asked).toHaveLength(2);
      expect(reached).toEqual([outside]);
    },
  },
  {
    title: "policy-tightened-while-pooled: idle sockets end with the policy that opened them",
    answers: [[outside]],
    async show(dns) {
      const accepted = once(server, "connection");
      const old = poolsWith(dns);
      await get(old);
      const [socket] = (await accepted) as [Socket];
      const gone = once(socket, "close");
      await old.close();
      await gone;
      await expect(get(poolsWith(dns, []))).rejects.toMatchObject({ code: "EGRESS_DENIED" });
      expect(reached).toEqual([outside]);
    },
  },
  {
    title: "cname-to-internal: an alias is checked by the address that it leads to",
    answers: [[inside], ["10.0.0.1"]],
    show: (dns) => expectAllDenied(dns, "special-purpose"),
  },
  {
    title: "empty-answer: a name without addresses fails with a code, and is looked up again",
    answers: [[], [outside]],
    async show(dns) {
      const pools = poolsWith(dns);
      await expect(get(pools)).rejects.toMatchObject({ code: "EGRESS_DNS_FAILED" });
      expect(await get(pools)).toBe("reached");
    },
  },
  {
    title: "slow-dns: a lookup without a response uses up the time to connect",
    answers: ["never"],
    async show(dns) {
      const pools = poolsWith(dns, [outside], { upstreamConnectTimeoutMs: 30 });
      await expect(get(pools)).rejects.toMatchObject({ code: "EGRESS_CONNECT_TIMEOUT" });
    },
  },
  {
    title: "huge-answer: 500 addresses lead to a bounded number of attempts, and to one connection",
    answers: [Array.from({ length: 500 }, (_, i) => `127.0.${2 + (i >> 8)}.${i & 255}`)],
    async show(dns) {
      const pools = poolsWith(dns, ["127.0.2.0/23"]);
      // No process listens on port 1.
      const error: unknown = await get(pools, { origin: targetOrigin("target.example", 1) }).catch(
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ code: "EGRESS_CONNECT_FAILED", cause: { errors: { length: 3 } } });
      await get(pools);
      expect(reached).toEqual(["127.0.2.0"]);
    },
  },
  {
    title: "lookup-signature: all addresses are asked for, and Node gets them in the form it asks for",
    answers: [[outside, outside]],
    async show(dns) {
      await get(poolsWith(dns));
      expect(dns.asked).toEqual([true]);
      const lookup = fixedLookup([{ address: outside, family: 4 }]);
      for (const autoSelectFamily of [true, false]) {
        const socket = connect({ host: "target.invalid", port, lookup, autoSelectFamily });
        await once(socket, "connect");
        expect(socket.remoteAddress).toBe(outside);
        socket.destroy();
      }
    },
  },
  {
    title:
      "own-address: an address of this machine is denied at the service's port, even if it is allowed, and at no other port",
    answers: [["203.0.113.10"], [outside]],
    async show(dns) {
      const own = [{ address: "0.0.0.0", port }];
      for (const _answers of dns.script)
        await expectDenied(poolsWith(dns, everything, { own }), "own-endpoint");
      const elsewhere = [{ address: "0.0.0.0", port: port + 1 }];
      expect(await get(poolsWith(dns, everything, { own: elsewhere }))).toBe("reached");
    },
  },
  {
    title:
      "redirect-to-internal: a redirect is a response like any other: no second lookup, connection or request",
    answers: [[outside]],
    async show(dns) {
      const response = await requestFromPool(upstreamOf(poolsWith(dns)), "/redirect");
      expect(response.status).toBe(302);
      expect(response.headers.join()).toContain(`,http://${inside}:${port}/,`);
      expect([dns.asked.length, reached, requests]).toEqual([1, [outside], ["/redirect"]]);
    },
  },
  {
    title: "federated-authority: a pool with the certificate of another authority obeys the same policy",
    answers: [[inside]],
    show: (dns) =>
      expectDenied(poolsWith(dns), "special-purpose", {
        origin: targetOrigin("internal.example", port, "https"),
        tls: { ca: "the certificate of internal.example" },
      }),
  },
];

let server: Server;
let loopback: Awaited<ReturnType<typeof listenOnLoopback>>;
let port: number;
/** The address of each connection, and the path of each request, that arrived. */
const reached: string[] = [];
const requests: string[] = [];
const made: Pools[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? "");
    if (request.url === "/redirect") response.writeHead(302, { location: `http://${inside}:${port}/` });
    response.end("reached");
  });
  server.keepAliveTimeout = 600_000; // Undici heeds it: no idle socket ends by itself.
  server.on("connection", ({ localAddress = "gone" }: Socket) =>
    reached.push(localAddress.replace("::ffff:", "")),
  );
  loopback = await listenOnLoopback(server, [outside, "127.0.2.0", "::1"]);
  ({ port } = loopback);
});

afterEach(async () => {
  await Promise.all(made.splice(0).map((pools) => pools.close()));
  reached.length = requests.length = 0;
});

afterAll(() => loopback.close());

for (const { title, answers, show } of scenarios)
  test(title, { timeout: 10_000 }, () => show(resolver(answers)));

interface Dns {
  readonly script: readonly Answers[];
  readonly lookup: LookupFunction;
  /** Whether each lookup asked for all addresses. */
  readonly asked: (boolean | undefined)[];
}

function resolver(script: readonly Answers[]): Dns {
  const asked: (boolean | undefined)[] = [];
  const lookup: LookupFunction = (_hostname, { all }, callback) => {
    const answers = script[Math.min(asked.length, script.length - 1)] ?? "never";
    asked.push(all);
    if (answers === "never") return;
    callback(
      null,
      answers.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
  return { script, lookup, asked };
}

function poolsWith(
  { lookup }: Dns,
  allow: readonly string[] = [outside],
  { own = [], ...more }: Partial<PoolLimits> & { readonly own?: readonly OwnEndpoint[] } = {},
): Pools {
  const policy = createEgressPolicy({
    allow: allow.map((rule) => parseAllowTarget(rule)!),
    ownEndpoints: () => own,
    localAddresses: () => ["203.0.113.10"],
    ownAuthorities: [],
  });
  const limits = {
    maxUpstreamConnectionsPerDestination: 1,
    headerBytes: 16_384,
    upstreamPoolIdleMs: 60_000,
    upstreamConnectTimeoutMs: 5_000,
    maxUpstreamPools: 8,
    upstreamPoolBytesTotal: 8_388_608,
    maxUpstreamConnections: 8,
    ...more,
  };
  const pools = createPools({ policy, lookup, limits, createConnection: clientOfRun() }, () => 0);
  made.push(pools);
  return pools;
}

function upstreamOf(
  pools: Pools,
  destination: Destination = { origin: targetOrigin("target.example", port) },
): UpstreamPool {
  const found = pools.get(poolKey(destination, "t"), destination, "t");
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

async function get(pools: Pools, destination?: Destination): Promise<string> {
  return (await requestFromPool(upstreamOf(pools, destination), "/")).text;
}

/** Each result of the script is looked up once, and leads to no connection. */
async function expectAllDenied(dns: Dns, reason: EgressReason, allow?: readonly string[]): Promise<void> {
  for (const _answers of dns.script) await expectDenied(poolsWith(dns, allow), reason);
  expect(dns.asked).toHaveLength(dns.script.length);
}

async function expectDenied(pools: Pools, reason: EgressReason, destination?: Destination): Promise<void> {
  await expect(get(pools, destination)).rejects.toMatchObject({ code: "EGRESS_DENIED", reason });
  expect(reached).toEqual([]);
}
