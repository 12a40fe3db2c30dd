import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { NameServer } from "../../../testkit/src/name-server.ts";
import { startNameServer } from "../../../testkit/src/name-server.ts";
import { parseHosts } from "./hosts-file.ts";
import { createResolver } from "./resolver.ts";
import { resolveHost } from "./resolve-host.ts";

/* Lookups over real packets: responses, failures, and names for which no name server is asked. */

const many = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`);

let server: NameServer;
beforeAll(async () => {
  server = await startNameServer({
    "both.example": { A: ["192.0.2.1", "192.0.2.2"], AAAA: ["2001:db8::1"] },
    "four.example": { A: ["192.0.2.4"] },
    "six.example": { AAAA: ["2001:db8::6"] },
    "none.example": {},
    "alias.example": { alias: "both.example" },
    "dangling.example": { alias: "none.example" },
    "many.example": { A: many },
    "four-and-failure.example": { A: ["192.0.2.4"], AAAA: "servfail" },
    "four-and-nothing.example": { A: ["192.0.2.4"], AAAA: "nxdomain" },
    "four-and-junk.example": { A: ["192.0.2.4"], AAAA: "garbage" },
    "four-and-silence.example": { A: ["192.0.2.4"], AAAA: "never" },
    "lost-and-six.example": { A: { lostOnce: ["192.0.2.4"] }, AAAA: ["2001:db8::6"] },
    "six-and-silence.example": { A: "never", AAAA: ["2001:db8::6"] },
    "failure.example": { A: "servfail", AAAA: "servfail" },
    "failure-and-none.example": { A: "servfail" },
    "silence.example": { A: "never", AAAA: "never" },
    "junk.example": { A: "garbage", AAAA: "garbage" },
    "pinned.example": { A: ["192.0.2.66"] },
    localhost: { A: ["192.0.2.66"] },
    "app.localhost": { A: ["192.0.2.66"] },
    "metadata.google.internal": { A: ["192.0.2.66"] },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

async function find(name: string, options: { hosts?: string; signal?: AbortSignal } = {}): Promise<string[]> {
  server.queries.length = 0;
  const hosts = parseHosts(options.hosts ?? "");
  const lookup = createResolver({ hosts: () => Promise.resolve(hosts), servers: [server.address] });
  const { signal = new AbortController().signal } = options;
  return (await resolveHost(name, lookup, signal)).map(({ address, family }) => `${family} ${address}`);
}

test.each([
  ["both families, A first", "both.example", ["4 192.0.2.1", "4 192.0.2.2", "6 2001:db8::1"]],
  ["A alone", "four.example", ["4 192.0.2.4"]],
  ["AAAA alone", "six.example", ["6 2001:db8::6"]],
  ["an alias", "alias.example", ["4 192.0.2.1", "4 192.0.2.2", "6 2001:db8::1"]],
  ["a name in capitals, with its dot", "FOUR.example.", ["4 192.0.2.4"]],
  ["A, while AAAA fails", "four-and-failure.example", ["4 192.0.2.4"]],
  ["A, while AAAA says that there is no such name", "four-and-nothing.example", ["4 192.0.2.4"]],
  ["A, while AAAA is junk", "four-and-junk.example", ["4 192.0.2.4"]],
  ["both, though a packet was lost", "lost-and-six.example", ["4 192.0.2.4", "6 2001:db8::6"]],
])("%s: the addresses that were found are used", async (_what, name, expected) => {
  expect(await find(name)).toEqual(expected);
});

test.each([
  ["AAAA", "four-and-silence.example", "4 192.0.2.4"],
  ["A", "six-and-silence.example", "6 2001:db8::6"],
])(
  "while the query for %s of %s gets no response, the other family is used before all attempts are over",
  async (type, name, found) => {
    expect(await find(name)).toEqual([found]);
    expect(server.queries.filter((line) => line === `udp ${type} ${name}`).length).toBeLessThan(4);
  },
);

test("a truncated response is asked for again over TCP, and used whole", async () => {
  expect(await find("many.example")).toEqual(many.map((address) => `4 ${address}`));
  expect(server.queries).toEqual(expect.arrayContaining(["udp A many.example", "tcp A many.example"]));
});

test.each([
  "none.example",
  "nowhere.example",
  "dangling.example",
  "failure.example",
  "failure-and-none.example",
  "junk.example",
  "a..example",
  `${"x".repeat(64)}.example`,
  `${"x.".repeat(200)}example`,
])("%s has no address: the lookup fails", async (name) => {
  await expect(find(name)).rejects.toMatchObject({ code: "EGRESS_DNS_FAILED" });
});

test("a lookup without a response ends with its signal, and sends no further query", async () => {
  const controller = new AbortController();
  const found = find("silence.example", { signal: controller.signal });
  await expect.poll(() => server.queries).toHaveLength(2);
  controller.abort();
  const { length } = server.queries;
  await expect(found).rejects.toMatchObject({ code: "EGRESS_DNS_FAILED" });
  expect(server.queries).toHaveLength(length);
});

test("a lookup whose signal was aborted before sends no query", async () => {
  const signal = AbortSignal.abort();
  await expect(find("four.example", { signal })).rejects.toMatchObject({ code: "EGRESS_DNS_FAILED" });
  expect(server.queries).toEqual([]);
});

test("the hosts file has precedence over the name servers, which are not queried for the other family either", async () => {
  const hosts = "2001:db8::7 pinned.example\n10.0.0.7 pinned.example";
  for (const name of ["pinned.example", "PINNED.example."])
    expect(await find(name, { hosts })).toEqual(["4 10.0.0.7", "6 2001:db8::7"]);
  expect(server.queries).toEqual([]);
});

test.each(["localhost", "LOCALHOST.", "app.localhost", "a.b.localhost."])(
  "%s is loopback, whatever a name server would say, unless the hosts file names it",
  async (name) => {
    expect(await find(name)).toEqual(["4 127.0.0.1", "6 ::1"]);
    const bare = name.toLowerCase().replace(/\.$/, "");
    expect(await find(name, { hosts: `127.0.0.5 ${bare}` })).toEqual(["4 127.0.0.5"]);
    expect(server.queries).toEqual([]);
  },
);

test("a name is asked for as it is written, whatever search list the machine has", async () => {
  vi.stubEnv("LOCALDOMAIN", "google.internal");
  try {
    await expect(find("metadata")).rejects.toMatchObject({ code: "EGRESS_DNS_FAILED" });
    expect(new Set(server.queries)).toEqual(new Set(["udp A metadata", "udp AAAA metadata"]));
  } finally {
    vi.unstubAllEnvs();
  }
});

test("a hosts file that cannot be read fails the lookup, and no name server is asked", async () => {
  server.queries.length = 0;
  const lookup = createResolver({
    hosts: () => Promise.reject(new Error("EMFILE")),
    servers: [server.address],
  });
  await expect(resolveHost("pinned.example", lookup, new AbortController().signal)).rejects.toMatchObject({
    code: "EGRESS_DNS_FAILED",
  });
  expect(server.queries).toEqual([]);
});
