import { expect, test } from "vitest";
import type { RawServeFlags } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { readDataConfig, readServeConfig } from "./config.ts";
import { DEFAULT_LIMITS } from "./service-limits.ts";

const FLAGS: RawServeFlags = {
  data: "./membrane-data",
  listen: "127.0.0.1:8443",
  authorityAlias: [],
  authorityCa: [],
  allowTarget: [],
  trustProxy: [],
  upstreamClient: "native",
  httpServer: "native",
  logLevel: "info",
};

function refusal(flags: Partial<RawServeFlags>): string {
  try {
    readServeConfig({ ...FLAGS, ...flags });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(flags)}`);
}

test("the defaults are loopback, a private CA, every limit as in the table, and only public targets", () => {
  expect(readServeConfig(FLAGS)).toEqual({
    data: "./membrane-data",
    authority: "localhost:8443",
    isAuthoritySet: false,
    limits: DEFAULT_LIMITS,
    listen: { host: "127.0.0.1", port: 8443 },
    aliases: [],
    authorityCaFiles: new Map(),
    egress: { allow: [], forbidHttp: false, forbidUnverified: false },
    trustedProxies: [],
    tls: { kind: "private-ca" },
    workers: 1,
    upstreamClient: "native",
    httpServer: "native",
    keepsHeads: true,
    logLevel: "info",
  });
});

test("--store lmdb is the default, and a database is reached by its URL with the variables of libpq", () => {
  expect(readDataConfig({ data: "d", store: "lmdb" }).postgres).toBeUndefined();
  const environment = { PGPASSWORD: "secret", PGPORT: "6000" };
  const store = "postgres://alice@db.test/m";
  const { postgres } = readDataConfig({
    data: "d",
    store,
    storeOrigin: { source: "command line", environment },
  });
  expect(postgres?.settings).toMatchObject({
    host: "db.test",
    port: 6000,
    user: "alice",
    database: "m",
    password: "secret",
    sslMode: "verify-full",
  });
});

test.each([
  [
    "mysql://u:secret@h/d",
    "--store: expected lmdb or postgres://…, as in postgres://membrane@db.example/membrane",
  ],
  ["LMDB", "--store: expected lmdb or postgres://…, as in postgres://membrane@db.example/membrane"],
  [
    "postgres://u:secret@h/d",
    "--store: its URL has a password, which other users of this machine can read: use the variable PGPASSWORD, or a file that PGPASSFILE names",
  ],
  [
    "postgres://u@h/d?sslmode=prefer",
    "--store: sslmode: expected disable, require, verify-ca or verify-full; allow and prefer may send without TLS",
  ],
])("--store %s is refused without its value", (store, message) => {
  expect(refusal({ store })).toBe(message);
});

test.each([0, 1.5, Number.NaN, 257])(
  "--workers %s stops the start, and the message says what was expected",
  (workers) => {
    expect(refusal({ workers })).toBe("--workers: expected a whole number from 1 to 256");
  },
);

test("without --authority it is localhost with the port of --listen", () => {
  expect(readServeConfig({ ...FLAGS, listen: "0.0.0.0:9000" }).authority).toBe("localhost:9000");
  expect(readServeConfig({ ...FLAGS, listen: "0.0.0.0:0", authority: "a.example" }).authority).toBe(
    "a.example",
  );
  expect(readDataConfig({ data: "d" }).authority).toBe("localhost:8443");
  expect(refusal({ listen: "127.0.0.1:0" })).toMatch(/^--authority: /);
});

test.each([
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["0.0.0.0:65535", { host: "0.0.0.0", port: 65_535 }],
  ["[::1]:8443", { host: "::1", port: 8443 }],
  ["localhost:80", { host: "localhost", port: 80 }],
])("--listen %s is accepted", (listen, expected) => {
  expect(readServeConfig({ ...FLAGS, authority: "a.example", listen }).listen).toEqual(expected);
});

test.each([
  "",
  "nonsense",
  "8443",
  ":8443",
  "localhost:",
  "localhost:65536",
  "::1:8443",
  "[::1]",
  "a:b",
  "h:-1",
  "h:1x",
  "h:123456",
])("--listen %j is refused with an example", (listen) => {
  expect(refusal({ listen })).toMatch(/^--listen: .*127\.0\.0\.1:8443/);
});

test.each([
  "",
  "https://a.example",
  "a.example/",
  "a.example:0",
  "a.example:99999",
  "a b",
  "user@a.example",
  "127.1",
])("--authority and --authority-alias %j are refused with an example", (text) => {
  expect(refusal({ authority: text })).toMatch(/^--authority: .*localhost:8443/);
  expect(refusal({ authorityAlias: [text] })).toMatch(/^--authority-alias: .*localhost:8443/);
});

test("lists are given by repeating the flag or with commas", () => {
  const config = readServeConfig({
    ...FLAGS,
    authorityAlias: ["a.example,b.example", " c.example:444 "],
    allowTarget: ["10.0.0.0/8:443, 192.0.2.1", "[fd00::]/8"],
  });
  expect(config.aliases).toEqual(["a.example", "b.example", "c.example:444"]);
  expect(config.egress.allow.map(({ text }) => text)).toEqual(["10.0.0.0/8:443", "192.0.2.1", "[fd00::]/8"]);
});

test.each([
  "",
  "nonsense",
  "10.0.0.0/33",
  "10.0.0.1/8",
  "10.0.0.0/8:0",
  "*",
  "localhost",
  "0x7f.1",
  "10.0.0.0/8,,",
])(
  "--allow-target %j stops the start: a rule that allows more or less than was meant would go unnoticed",
  (rule) => {
    expect(refusal({ allowTarget: ["192.0.2.0/24", rule] })).toMatch(/^--allow-target: /);
  },
);

test("--authority-ca takes an authority in any spelling, and a file whose name may contain =", () => {
  const { authorityCaFiles } = readServeConfig({ ...FLAGS, authorityCa: ["Peer.example:443=a=b.pem"] });
  expect(authorityCaFiles).toEqual(new Map([["peer.example", "a=b.pem"]]));
  for (const text of ["", "peer.example", "peer.example=", "=file", "https://peer.example=file"]) {
    expect(refusal({ authorityCa: [text] })).toMatch(/^--authority-ca: /);
  }
});

test("a certificate requires its key and a key its certificate, and neither can be combined with --no-tls", () => {
  const files = { tlsCert: "c.pem", tlsKey: "k.pem" };
  expect(readServeConfig({ ...FLAGS, ...files }).tls).toEqual({
    kind: "files",
    certFile: "c.pem",
    keyFile: "k.pem",
  });
  expect(readServeConfig({ ...FLAGS, tls: false }).tls).toEqual({ kind: "none" });
  expect(refusal({ tlsCert: "c.pem" })).toMatch(/--tls-key/);
  expect(refusal({ tlsKey: "k.pem" })).toMatch(/--tls-cert/);
  expect(refusal({ ...files, tls: false })).toMatch(/^--no-tls/);
});

test("the file of the service key is optional", () => {
  expect(readDataConfig({ data: "d", serviceKeyFile: "k" }).serviceKeyFile).toBe("k");
  expect("serviceKeyFile" in readDataConfig({ data: "d" })).toBe(false);
});

test("--trust-proxy takes CIDR blocks, and one that does not parse stops the start", () => {
  const { trustedProxies } = readServeConfig({ ...FLAGS, trustProxy: ["10.0.0.0/8,fd00::/8", "192.0.2.1"] });
  expect(trustedProxies.map(({ family, prefix }) => [family, prefix])).toEqual([
    ["ipv4", 8],
    ["ipv6", 8],
    ["ipv4", 32],
  ]);
  for (const text of ["proxy.example", "10.0.0.5/8", "10.0.0.0/8:443", "*"]) {
    expect(() => readServeConfig({ ...FLAGS, trustProxy: [text] })).toThrow("--trust-proxy: expected CIDR");
  }
});
