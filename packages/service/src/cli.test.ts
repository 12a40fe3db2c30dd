import { afterEach, expect, test, vi } from "vitest";
import { readCommandLine } from "./cli.ts";
import { ConfigError } from "./config.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

afterEach(() => vi.unstubAllEnvs());

/** Words after the program's name, variables, and how the refusal begins. */
const BAD: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ["", {}, "expected a command: serve, init, tenant or doctor"],
  ["frob", {}, "frob: no such command"],
  ["tenant", {}, "tenant: expected create, list or reissue"],
  ["tenant frob", {}, "frob: no such command"],
  ["tenant create", {}, "--id: expected the tenant's name"],
  ["init extra", {}, "extra: no such command"],
  ["serve --frob", {}, "--frob: no such flag"],
  ["serve --listen 127.0.0.1:99999", {}, "--listen: expected HOST:PORT"],
  ["serve --listen 127.0.0.1:0", {}, "--authority: expected with --listen HOST:0"],
  ["serve --authority https://a.test/", {}, "--authority: expected host[:port]"],
  ["serve --authority-alias a..b", {}, "--authority-alias: expected host[:port]"],
  ["serve --authority-ca peer.test", {}, "--authority-ca: expected AUTHORITY=FILE"],
  ["serve --allow-target 10.0.0.0/8,nonsense", {}, "--allow-target: expected CIDR[:PORT]"],
  ["serve --tls-key k.pem", {}, "--tls-cert: expected beside --tls-key"],
  ["serve --no-tls --tls-cert c.pem --tls-key k.pem", {}, "--no-tls: expected without"],
  ["serve --forbid-http-targets=yes", {}, "--forbid-http-targets: expected true or false"],
  ["serve", { MEMBRANE_FORBID_HTTP_TARGETS: "1" }, "--forbid-http-targets: expected true or false"],
  ["serve", { MEMBRANE_FORBID_UNVERIFIED_TARGETS: "on" }, "--forbid-unverified-targets: expected true"],
  ["serve", { MEMBRANE_TLS: "1" }, "--tls: expected true or false"],
  ["serve --log-level loud", {}, "--log-level: expected one of debug, info"],
  ["serve --head-timeout-ms 0", {}, "--head-timeout-ms: expected a whole number"],
  ["serve --head-timeout-ms soon", {}, "--head-timeout-ms: expected a whole number"],
  ["serve --data a --data b", {}, "--data: expected once"],
  ["serve", { MEMBRANE_LISTEN: "nonsense" }, "--listen: expected HOST:PORT"],
  ["serve", { MEMBRANE_HEAD_TIMEOUT_MS: "soon" }, "--head-timeout-ms: expected a whole number"],
  ["serve", { MEMBRANE_ALLOW_TARGETS: "10.0.0.0/8" }, "MEMBRANE_ALLOW_TARGETS: no such variable"],
  ["serve", { MEMBRANE_NO_TLS: "1" }, "MEMBRANE_NO_TLS: expected MEMBRANE_TLS=false instead"],
];

test.each(BAD)("membrane %s with %j is refused: %s", async (words, variables, message) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const refusal = await readCommandLine(words.split(" ").filter(Boolean)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ConfigError);
  expect(String(refusal).startsWith(`ConfigError: ${message}`), String(refusal)).toBe(true);
});

test("serve without flags has the defaults that work", async () => {
  expect(await readCommandLine(["serve"])).toMatchObject({
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
  ["", { MEMBRANE_FORBID_HTTP_TARGETS: "" }, [true, false, "private-ca"]],
])("serve %s with %j: what may be on or off is what was said", async (words, variables, expected) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const [forbidHttpTargets, forbidUnverifiedTargets, kind] = expected;
  expect(await readCommandLine(["serve", ...words.split(" ").filter(Boolean)])).toMatchObject({
    config: { forbidHttpTargets, forbidUnverifiedTargets, tls: { kind } },
  });
});

test("a flag stands above its variable, and the variable above the default", async () => {
  vi.stubEnv("MEMBRANE_DATA", "from-variable");
  vi.stubEnv("MEMBRANE_BLIND_MS", "77");
  expect(await readCommandLine(["serve"])).toMatchObject({
    config: { data: "from-variable", limits: { ...DEFAULT_LIMITS, blindMs: 77 } },
  });
  expect(await readCommandLine(["serve", "--data", "from-flag"])).toMatchObject({
    config: { data: "from-flag" },
  });
});

test.each(["init", "tenant list", "tenant create --id x", "tenant reissue --id x", "doctor"])(
  "%s runs in the environment of serve and takes its authority from it",
  async (words) => {
    vi.stubEnv("MEMBRANE_LISTEN", "0.0.0.0:9443");
    vi.stubEnv("MEMBRANE_ALLOW_TARGET", "10.0.0.0/8");
    vi.stubEnv("MEMBRANE_LOG_LEVEL", "warn");
    vi.stubEnv("MEMBRANE_LINEAGE_NODES", "12");
    expect(await readCommandLine(words.split(" "))).toMatchObject({
      config: { authority: "localhost:9443", limits: { lineageNodes: 12 } },
    });
  },
);

test("every limit is a flag", async () => {
  const flags = Object.keys(DEFAULT_LIMITS).map(
    (name) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}=3`,
  );
  const command = await readCommandLine(["serve", ...flags]);
  const expected = Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, 3]));
  expect(command).toMatchObject({ config: { limits: expected } });
});
