import { afterEach, expect, test, vi } from "vitest";
import type { Command } from "./command.ts";
import { readCommandLine } from "./cli.ts";
import { ConfigError } from "./config-error.ts";
import { toKebabCase } from "./flag-names.ts";
import { DEFAULT_LIMITS } from "./service-limits.ts";

afterEach(() => vi.unstubAllEnvs());

function read(words: readonly string[]): Promise<Command | undefined> {
  return readCommandLine(words, "1.2.3", process.env);
}

/** Arguments, variables, and how the error message begins. */
const BAD: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    "",
    {},
    "expected a command: serve, init, tenant, membrane, key, leaked, audit, backup, restore, migrate or doctor",
  ],
  ["frob", {}, "frob: no such command"],
  ["tenant", {}, "tenant: expected create, list, reissue or delete"],
  ["tenant frob", {}, 'frob: no such command. "membrane tenant --help" lists them'],
  ["tenant create", {}, "--id: expected the tenant's name"],
  ["tenant delete", {}, "--id: expected the tenant's name"],
  ["membrane", {}, "membrane: expected list or revoke"],
  ["membrane list", {}, "--tenant: expected the tenant's name"],
  ["membrane revoke --tenant alice", {}, "--id: expected the membrane's name"],
  ["membrane revoke --id mail", {}, "--tenant: expected the tenant's name"],
  ["backup", {}, "backup: expected a directory"],
  ["restore", {}, "restore: expected a directory"],
  ["restore a b", {}, 'b: unexpected argument. "membrane restore --help" shows what it takes'],
  ["init extra", {}, 'extra: unexpected argument. "membrane init --help" shows what it takes'],
  ["tenant create bob", {}, 'bob: unexpected argument. "membrane tenant create --help" shows what it takes'],
  ["serve --frob", {}, "--frob: no such flag. "],
  ["serve --Listen 127.0.0.1:1", {}, "--Listen: no such flag; flags are in lower case"],
  ["tenant list --AUTHORITY a.test", {}, "--AUTHORITY: no such flag; flags are in lower case"],
  ["tenant create --ID=x", {}, "--ID: no such flag; flags are in lower case"],
  ["membrane list -X", {}, "-X: no such flag; flags are in lower case"],
  ["membrane list --tennant a", {}, '--tennant: no such flag. "membrane membrane list --help" lists them'],
  ["backup --foo DIR", {}, '--foo: no such flag. "membrane backup --help" lists them'],
  ["serve --frob 1", {}, '--frob: no such flag. "membrane serve --help" lists them'],
  ["serve --no-tls=1", {}, "--no-tls: expected without a value"],
  ["serve --listen 127.0.0.1:99999", {}, "--listen: expected HOST:PORT"],
  ["serve --listen 127.0.0.1:0", {}, "--authority: required with --listen HOST:0"],
  ["serve --authority https://a.test/", {}, "--authority: expected host[:port]"],
  ["serve --authority-alias a..b", {}, "--authority-alias: expected host[:port]"],
  ["serve --authority-ca peer.test", {}, "--authority-ca: expected AUTHORITY=FILE"],
  ["serve --allow-target 10.0.0.0/8,nonsense", {}, "--allow-target: expected CIDR[:PORT]"],
  ["serve --tls-key k.pem", {}, "--tls-cert: required with --tls-key"],
  ["serve --no-tls --tls-cert c.pem --tls-key k.pem", {}, "--no-tls: cannot be combined with"],
  ["serve --forbid-http-targets=yes", {}, "--forbid-http-targets: expected true or false"],
  ["serve", { MEMBRANE_FORBID_HTTP_TARGETS: "1" }, "MEMBRANE_FORBID_HTTP_TARGETS: expected true or false"],
  [
    "serve",
    { MEMBRANE_FORBID_UNVERIFIED_TARGETS: "on" },
    "MEMBRANE_FORBID_UNVERIFIED_TARGETS: expected true",
  ],
  ["serve", { MEMBRANE_TLS: "1" }, "MEMBRANE_TLS: expected true or false"],
  ["serve --log-level loud", {}, "--log-level: expected one of debug, info"],
  ["serve --upstream-client fetch", {}, "--upstream-client: expected one of native, undici"],
  ["serve --http-server apache", {}, "--http-server: expected one of native, node"],
  ["serve --request-header-timeout-ms 0", {}, "--request-header-timeout-ms: expected a whole number"],
  ["serve --request-header-timeout-ms soon", {}, "--request-header-timeout-ms: expected a whole number"],
  ["serve --data a --data b", {}, "--data: expected once"],
  ["serve --data", {}, "--data: missing value"],
  ["serve --data --no-tls", {}, "--data: missing value"],
  ["serve --data=", {}, "--data: missing value"],
  ["serve --no-data", {}, "--no-data: no such flag"],
  ["serve --service-key-file=", {}, "--service-key-file: missing value"],
  ["serve --tls-cert= --tls-key=", {}, "--tls-cert: missing value"],
  ["serve --allow-target", {}, "--allow-target: missing value"],
  ["serve --allow-target= --no-tls", {}, "--allow-target: missing value"],
  ["serve --request-header-timeout-ms --no-tls", {}, "--request-header-timeout-ms: missing value"],
  ["serve --no-listen", {}, "--no-listen: no such flag"],
  ["serve --log-level", {}, "--log-level: missing value"],
  ["tenant create --id --json", {}, "--id: missing value"],
  ["serve --store mysql://h", {}, "--store: expected lmdb or postgres://"],
  ["tenant list", { MEMBRANE_STORE: "oracle://u:secret@h" }, "MEMBRANE_STORE: expected lmdb or postgres://"],
  ["init --store postgres://u@h", { PGSERVICE: "s" }, "--store: the variable PGSERVICE is not supported"],
  ["serve --store postgres://u:secret@h", {}, "--store: its URL has a password"],
  ["serve --store=postgres://u:secret@h", { MEMBRANE_STORE: "lmdb" }, "--store: its URL has a password"],
  ["migrate --from postgres://u:secret@h --to lmdb:d", {}, "--from: its URL has a password"],
  ["migrate --from lmdb:d --to=postgres://u:secret@h", {}, "--to: its URL has a password"],
  ["migrate --to lmdb:d", {}, "--from: expected lmdb:DIR with a data directory, or postgres://"],
  ["migrate --from lmdb:d --to lmdb:", {}, "--to: expected lmdb:DIR"],
  ["migrate --from lmdb:d", { MEMBRANE_TO: "mysql://u:secret@h" }, "MEMBRANE_TO: expected lmdb:DIR"],
  ["key", {}, "key: expected rotate, status, retire or drop"],
  ["key drop", {}, "key drop: expected the key's number, as in key drop 1"],
  ["key drop one --forgets 1", {}, "key drop: expected the key's number"],
  ["key drop 1", {}, "--forgets: expected how many capabilities are forgotten"],
  ["key drop 1 --forgets all", {}, "--forgets: expected how many capabilities are forgotten"],
  ["key drop 1 --forgets 1e3", {}, "--forgets: expected how many capabilities are forgotten"],
  ["key drop 1 --forgets", {}, "--forgets: missing value"],
  ["key drop 1", { MEMBRANE_FORGETS: "4" }, "MEMBRANE_FORGETS: no such variable"],
  ["key drop --forgets 1", { MEMBRANE_KEY: "1" }, "MEMBRANE_KEY: no such variable"],
  ["key rotate 2", {}, "2: unexpected argument"],
  ["key rotat", {}, "rotat: no such command"],
  ["audit verfy trail.log", {}, "verfy: no such command"],
  ["serve", { MEMBRANE_LISTEN: "nonsense" }, "MEMBRANE_LISTEN: expected HOST:PORT"],
  ["serve --listen junk", { MEMBRANE_LISTEN: "a.test:1" }, "--listen: expected HOST:PORT"],
  [
    "serve",
    { MEMBRANE_REQUEST_HEADER_TIMEOUT_MS: "soon" },
    "MEMBRANE_REQUEST_HEADER_TIMEOUT_MS: expected a whole number",
  ],
  ["serve", { MEMBRANE_ALLOW_TARGETS: "10.0.0.0/8" }, "MEMBRANE_ALLOW_TARGETS: no such variable"],
  ["serve", { MEMBRANE_SERVICE_PROT: "8443" }, "MEMBRANE_SERVICE_PROT: no such variable"],
  ["serve", { MEMBRANE_PORT: "8443" }, "MEMBRANE_PORT: no such variable"],
  ["serve", { MEMBRANE_SERVICE_HOST: "https://a.test" }, "MEMBRANE_SERVICE_HOST: no such variable"],
  ["serve", { MEMBRANE_PORT_8443_TCP: "10.96.0.1" }, "MEMBRANE_PORT_8443_TCP: no such variable"],
  ["serve", { MEMBRANE_VERSION: "1.0" }, "MEMBRANE_VERSION: no such variable"],
  ["serve", { MEMBRANE_HELP: "true" }, "MEMBRANE_HELP: no such variable"],
  ["serve", { MEMBRANE_NO_TLS: "1" }, "MEMBRANE_NO_TLS: expected MEMBRANE_TLS=false instead"],
  [
    "serve",
    { MEMBRANE_NO_HEAD_MEMO: "1" },
    "MEMBRANE_NO_HEAD_MEMO: expected MEMBRANE_HEAD_MEMO=false instead",
  ],
  ["serve", { MEMBRANE_NO_PROFILE: "1" }, "MEMBRANE_NO_PROFILE: expected MEMBRANE_PROFILE=false instead"],
  ["serve", { MEMBRANE_NO_WORKERS: "1" }, "MEMBRANE_NO_WORKERS: no such variable"],
];

test.each(BAD)("membrane %s with %j is refused: %s", async (words, variables, message) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const refusal = await read(words.split(" ").filter(Boolean)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ConfigError);
  expect(String(refusal).startsWith(`ConfigError: ${message}`), String(refusal)).toBe(true);
});

test("the variable MEMBRANE_STORE may hold a password, which its flag may not", async () => {
  vi.stubEnv("MEMBRANE_STORE", "postgres://u:secret@h/d");
  const command = await read(["tenant", "list"]);
  expect(command?.config.postgres?.settings).toMatchObject({ user: "u", password: "secret" });
});

test("serve without flags has defaults that work", async () => {
  expect(await read(["serve"])).toMatchObject({
    name: "serve",
    config: {
      data: "./membrane-data",
      authority: "localhost:8443",
      listen: { host: "127.0.0.1", port: 8443 },
      tls: { kind: "private-ca" },
      limits: DEFAULT_LIMITS,
    },
  });
});

test.each([
  ["", {}, [false, false, "private-ca"]],
  ["--forbid-http-targets --forbid-unverified-targets --no-tls", {}, [true, true, "none"]],
  ["--forbid-http-targets --authority a.test", {}, [true, false, "private-ca"]],
  [
    "--forbid-http-targets=false --tls",
    { MEMBRANE_FORBID_HTTP_TARGETS: "true" },
    [false, false, "private-ca"],
  ],
  ["--no-forbid-http-targets", { MEMBRANE_TLS: "false" }, [false, false, "none"]],
  ["", { MEMBRANE_FORBID_UNVERIFIED_TARGETS: "true", MEMBRANE_TLS: "true" }, [false, true, "private-ca"]],
  ["--forbid-http-targets", { MEMBRANE_FORBID_HTTP_TARGETS: "" }, [true, false, "private-ca"]],
])(
  "serve %s with %j: a flag overrides its variable, which overrides the default",
  async (words, variables, expected) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const [forbidHttp, forbidUnverified, kind] = expected;
    expect(await read(["serve", ...words.split(" ").filter(Boolean)])).toMatchObject({
      config: { egress: { forbidHttp, forbidUnverified }, tls: { kind } },
    });
  },
);

test("for a text and a limit too, a flag overrides its variable, which overrides the default", async () => {
  vi.stubEnv("MEMBRANE_DATA", "from-variable");
  vi.stubEnv("MEMBRANE_MAX_REVOCATION_STALENESS_MS", "77");
  expect(await read(["serve"])).toMatchObject({
    config: { data: "from-variable", limits: { ...DEFAULT_LIMITS, maxRevocationStalenessMs: 77 } },
  });
  expect(await read(["serve", "--data", "from-flag"])).toMatchObject({
    config: { data: "from-flag" },
  });
});

test.each(["init", "tenant list", "tenant create --id x", "tenant reissue --id x", "doctor"])(
  "%s takes its authority from the variables of serve and accepts the others",
  async (words) => {
    vi.stubEnv("MEMBRANE_LISTEN", "0.0.0.0:9443");
    vi.stubEnv("MEMBRANE_ALLOW_TARGET", "10.0.0.0/8");
    vi.stubEnv("MEMBRANE_LOG_LEVEL", "warn");
    vi.stubEnv("MEMBRANE_MAX_LINEAGE_NODES", "12");
    expect(await read(words.split(" "))).toMatchObject({
      config: { authority: "localhost:9443", limits: { maxLineageNodes: 12 } },
    });
  },
);

test.each([
  ["init", true],
  ["serve", true],
  ["tenant delete", false],
  ["membrane list", false],
  ["backup", false],
])("the help of %s names --profile only where one is made: %s", async (words, isShown) => {
  const printed: string[] = [];
  vi.spyOn(console, "log").mockImplementation((text: string) => void printed.push(text));
  await read([...words.split(" "), "--help"]);
  vi.restoreAllMocks();
  expect(printed.join("\n").includes("--profile")).toBe(isShown);
});

/** As Kubernetes 1.33 sets them for Services with one and two ports, over IPv4 and IPv6. */
const LINKS: Readonly<Record<string, string>> = {
  MEMBRANE_SERVICE_HOST: "10.96.14.7",
  MEMBRANE_SERVICE_PORT: "8443",
  MEMBRANE_SERVICE_PORT_HTTPS: "8443",
  MEMBRANE_SERVICE_PORT_PLAIN_HTTP: "8080",
  MEMBRANE_PORT: "tcp://10.96.14.7:8443",
  MEMBRANE_PORT_8443_TCP: "tcp://10.96.14.7:8443",
  MEMBRANE_PORT_8443_TCP_PROTO: "tcp",
  MEMBRANE_PORT_8443_TCP_PORT: "8443",
  MEMBRANE_PORT_8443_TCP_ADDR: "10.96.14.7",
  MEMBRANE_DNS_SERVICE_HOST: "fd00:10:96::a",
  MEMBRANE_DNS_SERVICE_PORT: "53",
  MEMBRANE_DNS_PORT: "udp://[fd00:10:96::a]:53",
  MEMBRANE_DNS_PORT_53_UDP: "udp://[fd00:10:96::a]:53",
  MEMBRANE_DNS_PORT_53_UDP_PROTO: "udp",
  MEMBRANE_DNS_PORT_53_UDP_PORT: "53",
  MEMBRANE_DNS_PORT_53_UDP_ADDR: "fd00:10:96::a",
  MEMBRANES_SERVICE_HOST: "10.96.14.8",
  MEMBRANES_PORT: "tcp://10.96.14.8:80",
};

test("variables of Kubernetes for Services named membrane change nothing", async () => {
  for (const [name, value] of Object.entries(LINKS)) vi.stubEnv(name, value);
  vi.stubEnv("MEMBRANE_SERVICE_KEY_FILE", "/keys/service.key");
  expect(await read(["serve"])).toMatchObject({
    config: { authority: "localhost:8443", serviceKeyFile: "/keys/service.key", limits: DEFAULT_LIMITS },
  });
});

test("an empty variable counts as not set, for every flag", async () => {
  const names = [
    "DATA",
    "SERVICE_KEY_FILE",
    "AUTHORITY",
    "PROFILE",
    "LISTEN",
    "AUTHORITY_ALIAS",
    "AUTHORITY_CA",
  ];
  const more = ["ALLOW_TARGET", "FORBID_HTTP_TARGETS", "FORBID_UNVERIFIED_TARGETS", "TRUST_PROXY", "TLS"];
  const limits = Object.keys(DEFAULT_LIMITS).map((name) =>
    toKebabCase(name).replaceAll("-", "_").toUpperCase(),
  );
  const expected = await read(["serve"]);
  for (const name of [...names, ...more, "TLS_CERT", "TLS_KEY", "WORKERS", "LOG_LEVEL", ...limits])
    vi.stubEnv(`MEMBRANE_${name}`, "");
  expect(await read(["serve"])).toEqual(expected);
});

test.each([["--version"], ["-v"], ["serve", "--version"], ["tenant", "list", "-v"]])(
  "the arguments %j, %j print the version and do nothing else",
  async (...words) => {
    const printed = vi.spyOn(console, "log").mockImplementation(() => undefined);
    expect(await read(words)).toBeUndefined();
    expect(printed.mock.calls).toEqual([["1.2.3"]]);
    printed.mockRestore();
  },
);

test.each([["-h"], ["--help"], ["serve", "-h"]])("the arguments %j, %j print help", async (...words) => {
  const printed = vi.spyOn(console, "log").mockImplementation(() => undefined);
  expect(await read(words)).toBeUndefined();
  expect(String(printed.mock.calls[0]?.[0])).toContain("--version");
  printed.mockRestore();
});

test("--upstream-timeout-ms raises every limit that ends a wait for a target, except those that are given", async () => {
  expect(await read(["serve", "--upstream-timeout-ms", "900000"])).toMatchObject({
    config: {
      limits: { ...DEFAULT_LIMITS, upstreamResponseTimeoutMs: 900_000, upstreamIdleTimeoutMs: 900_000 },
    },
  });
  vi.stubEnv("MEMBRANE_UPSTREAM_TIMEOUT_MS", "172800000");
  expect(await read(["serve", "--upstream-idle-timeout-ms", "5"])).toMatchObject({
    config: {
      limits: {
        ...DEFAULT_LIMITS,
        upstreamResponseTimeoutMs: 172_800_000,
        upstreamIdleTimeoutMs: 5,
        invocationTimeoutMs: 172_800_000,
      },
    },
  });
});
