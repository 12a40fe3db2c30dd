import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import type { AuthorityCapabilityUri } from "capability-protocol";
import { parseCapabilityUri } from "capability-protocol";
import { makeCapability } from "../test/support/capabilities.ts";
import { CliError } from "./errors/cli-error.ts";
import { readCommandLine } from "./read-command-line.ts";
import { createSecretReader } from "./secret.ts";

const URI = makeCapability();
const CAPABILITY_TO_EXPORT = makeCapability("other.test");
const PARSED = parseCapabilityUri(URI) as AuthorityCapabilityUri;

/** Returns the command's name and its input. */
async function read(args: readonly string[], stdin = ""): Promise<object> {
  const { name, input } = await readCommandLine(args, {
    version: "0.0.0",
    openSecrets: () => createSecretReader(stdin === "" ? new PassThrough().end() : Readable.from([stdin])),
  });
  return { name, ...input };
}

const MEMBRANE_REF = ["membrane", "export", "--id", "m"];
const TARGET = [...MEMBRANE_REF, "--uri", "https://a.test/"];
const INVOKE = ["request", URI];

/** Words, and a part of the input that they mean. */
const EQUIVALENT: [words: readonly string[], meant: object, input?: string][] = [
  [
    ["membrane", "create", "--id", "m"],
    { name: "membrane create", id: "m", capability: undefined, output: "json" },
  ],
  [["membrane", "create", "--id", "7", "--output", "env"], { id: "7", output: "env" }],
  [["membrane", "create", "--id=--x"], { id: "--x" }],
  [["membrane", "create", "--id", '"quoted"'], { id: '"quoted"' }],
  [
    ["membrane", "create", "--id", "m", "--capability", URI, "--profile", "work", "--cacert", "ca.pem"],
    { capability: PARSED, trust: { profile: "work", caFile: "ca.pem" } },
  ],
  [["membrane", "query"], { name: "membrane query", query: {}, capability: undefined }],
  [
    ["membrane", "query", "--id", "a", "--last-id", "b", "--limit", "20"],
    { query: { id: "a", lastId: "b", limit: 20 } },
  ],
  [["membrane", "query", "--trustedCA-file-path", "trust.json"], { trust: { trustedCaFile: "trust.json" } }],
  [
    ["membrane", "revoke", "--capability", URI],
    { name: "membrane revoke", membraneRef: { by: "capability", uri: PARSED } },
  ],
  [["membrane", "revoke", "--id", "m"], { membraneRef: { by: "id", id: "m" } }],
  [["membrane", "delete-self"], { name: "membrane delete-self", capability: undefined }],
  [TARGET, { name: "membrane export", membraneRef: { by: "id", id: "m" }, body: { uri: "https://a.test/" } }],
  [[...TARGET, "--method", "put"], { body: { method: "put" } }],
  [[...TARGET, "--header", "X-A: b"], { body: { headers: { "X-A": "b" } } }],
  [[...TARGET, "--header", "X-A: b: c:d"], { body: { headers: { "X-A": "b: c:d" } } }],
  [[...TARGET, "--header=X-A:"], { body: { headers: { "X-A": "" } } }],
  [[...TARGET, "-H", "X-A:'b'"], { body: { headers: { "X-A": "'b'" } } }],
  [
    [...TARGET, "--header", "X-A: @b", "--header", "X-C: d"],
    { body: { headers: { "X-A": "@b", "X-C": "d" } } },
  ],
  [
    [...TARGET, "--header", "A: 1", "B: 2", "-X", "PUT"],
    { body: { headers: { A: "1", B: "2" }, method: "PUT" } },
  ],
  [[...TARGET, "-H", "A: 1", "B: 2", "--header", "C: 3"], { body: { headers: { A: "1", B: "2", C: "3" } } }],
  [
    [...TARGET, "--header=A: 1", "@-", "-H", "C: 3"],
    { body: { headers: { A: "1", D: "4", C: "3" } } },
    "D: 4",
  ],
  [["request", "-H", "A: 1", URI], { headers: [["A", "1"]], capability: PARSED }],
  [[...TARGET, "--header", "__proto__: x"], { body: { headers: JSON.parse('{"__proto__":"x"}') } }],
  [[...TARGET, "--allow-query"], { body: { allowQuery: true } }],
  [[...TARGET, "--allow-query", "true"], { body: { allowQuery: true } }],
  [[...TARGET, "--allow-query", "false"], { body: { allowQuery: false } }],
  [[...TARGET, "--allow-query=false"], { body: { allowQuery: false } }],
  [[...TARGET, "--no-allow-query"], { body: { allowQuery: false } }],
  [[...TARGET, "--allowQuery", "false"], { body: { allowQuery: false } }],
  [[...TARGET, "--allow-query", "--timeout-ms", "50"], { body: { allowQuery: true, timeoutMs: 50 } }],
  [[...TARGET, "--tls-reject-unauthorized", "false"], { body: { tls: { rejectUnauthorized: false } } }],
  [[...TARGET, "--no-tls-reject-unauthorized"], { body: { tls: { rejectUnauthorized: false } } }],
  [[...TARGET, "--tls-reject-unauthorized"], { body: { tls: { rejectUnauthorized: true } } }],
  [
    [...TARGET, "--tls-ca", "-----BEGIN X-----\n", "--tls-cert=-----BEGIN Y-----", "--tls-key", "-k"],
    { body: { tls: { ca: "-----BEGIN X-----\n", cert: "-----BEGIN Y-----", key: "-k" } } },
  ],
  [
    [
      ...TARGET,
      "--aws4-hmac-sha256-aws-access-key-id",
      "A",
      "--aws4-hmac-sha256-region",
      "r",
      "--aws4-hmac-sha256-service",
      "s",
      "--aws4-hmac-sha256-secret-access-key",
      "k/+=",
    ],
    {
      body: {
        hmac: {
          "aws4-hmac-sha256": { awsAccessKeyId: "A", region: "r", service: "s", secretAccessKey: "k/+=" },
        },
      },
    },
  ],
  [
    [...TARGET, "--cap1-hmac-sha512-key", "-key-", "--cap1-hmac-sha512-key-id", "1"],
    { body: { hmac: { "cap1-hmac-sha512": { key: "-key-", keyId: "1" } } } },
  ],
  [
    [...MEMBRANE_REF, "--capability-to-export", CAPABILITY_TO_EXPORT],
    { name: "membrane export", body: { capability: CAPABILITY_TO_EXPORT } },
  ],
  [
    [...TARGET, "--allow-path", "--encoded-slash", "--empty-segments", "--allow-header", "X-A", "X-B"],
    { body: { allowPath: true, encodedSlash: true, emptySegments: true, allowHeaders: ["X-A", "X-B"] } },
  ],
  [[...TARGET, "--allow-query-key", "a", "--allow-query-key", "b"], { body: { allowQuery: ["a", "b"] } }],
  [
    [...TARGET, "--from", "-", "--max-uses-every", "1m"],
    { body: { limits: { maxUses: 3, maxUsesEveryMs: 60_000 } } },
    '{"maxUses": 3}',
  ],
  [[...TARGET, "--expires-in", "7d"], { body: { limits: { ttlMs: 604_800_000 } } }],
  [
    [...TARGET, "--expires-at", "2030-01-31T12:00:00Z", "--not-before", "2030-01-01T00:00:00Z"],
    { body: { limits: { expiresAt: "2030-01-31T12:00:00Z", notBefore: "2030-01-01T00:00:00Z" } } },
  ],
  [
    [...TARGET, "--max-uses", "100", "--max-uses-every", "1m"],
    { body: { limits: { maxUses: 100, maxUsesEveryMs: 60_000 } } },
  ],
  [
    [...TARGET, "--methods", "get, HEAD", "--path", "/a/*", "/b/**", "--max-body-bytes", "0"],
    { body: { limits: { methods: ["GET", "HEAD"], paths: ["/a/*", "/b/**"], maxBodyBytes: 0 } } },
  ],
  [
    [...TARGET, "--client-cidr", "10.0.0.0/8", "--delegable", "false"],
    { body: { limits: { clientCidrs: ["10.0.0.0/8"], delegable: false } } },
  ],
  [
    [...TARGET, "--methods", "GET", "head", "--methods", "PUT"],
    { body: { limits: { methods: ["GET", "HEAD", "PUT"] } } },
  ],
  [
    [...TARGET, "--from", "-", "--expires-in", "1d"],
    { body: { limits: { ttlMs: 86_400_000 } }, limitsFile: { name: "-", fields: new Set(["maxUses"]) } },
    '{"expiresAt": "2030-01-01T00:00:00Z", "maxUses": 1}',
  ],
  [
    [...TARGET, "--from", "@-"],
    { body: { limits: { maxUses: 1 } }, limitsFile: { name: "-", fields: new Set(["maxUses"]) } },
    '{"maxUses": 1}',
  ],
  [[...TARGET, "--delegable"], { body: { uri: "https://a.test/" } }],
  [
    [
      ...MEMBRANE_REF,
      "--capability-to-export",
      CAPABILITY_TO_EXPORT,
      "--label",
      "for Bob",
      "--max-uses",
      "1",
    ],
    { body: { capability: CAPABILITY_TO_EXPORT, label: "for Bob", limits: { maxUses: 1 } } },
  ],
  [
    [...TARGET, "--from", "-", "--max-uses", "2"],
    { body: { limits: { query: { a: ["b"] }, maxUses: 2 } } },
    '{"query": {"a": ["b"]}, "maxUses": 1}',
  ],
  [INVOKE, { name: "request", capability: PARSED, method: "GET", headers: [], isHeadShown: false }],
  [["request", "--capability", URI], { capability: PARSED }],
  [["request", "--", URI], { capability: PARSED }],
  [["request", "-i", URI], { capability: PARSED, isHeadShown: true }],
  [[...INVOKE, "-X", "put"], { method: "PUT" }],
  [[...INVOKE, "-XPOST"], { method: "POST" }],
  [[...INVOKE, "-d", "a=b"], { method: "POST", data: { kind: "text", text: "a=b" } }],
  [[...INVOKE, "-d", ""], { method: "POST", data: { kind: "text", text: "" } }],
  [[...INVOKE, "-d", "-x"], { data: { kind: "text", text: "-x" } }],
  [[...INVOKE, "-d@-", "-XPUT"], { method: "PUT", data: { kind: "input" } }],
  [[...INVOKE, "-d", "@f"], { data: { kind: "file", path: "f" } }],
  [
    [...INVOKE, "-HA:b", "-H", "a: c:d"],
    {
      headers: [
        ["A", "b"],
        ["a", "c:d"],
      ],
    },
  ],
  [[...INVOKE, "-iof"], { isHeadShown: true, file: "f" }],
  [[...INVOKE, "--query", "a=b&c=%20"], { query: "a=b&c=%20" }],
  [[...INVOKE, "--query", "?a"], { query: "a" }],
  [INVOKE, { path: "/", query: undefined }],
  [[...INVOKE, "--path", "/a/%7eb%2fc/", "--query", "d"], { path: "/a/~b%2Fc/", query: "d" }],
  [
    ["config", "configure", "--service", "membrane"],
    { name: "config configure", profile: "default", capabilityUris: {} },
  ],
  [["config", "configure"], { name: "config configure", profile: "default", cacert: undefined }],
  [
    ["config", "configure", "--service", "membrane", "--profile", "p", "--delete-self", URI, "--cacert", "c"],
    { profile: "p", capabilityUris: { deleteSelf: PARSED }, cacert: "c" },
  ],
  [["config", "list", "--service", "membrane"], { name: "config list", profile: "default" }],
  [["config", "ca", "--profile", "p"], { name: "config ca", profile: "p" }],
  [["config", "remove", "--profile", "p"], { name: "config remove", profile: "p" }],
  [["profiles"], { name: "profiles" }],
  [["completion"], { name: "completion" }],
  [["--profile", "p", "membrane", "query"], { trust: { profile: "p" } }],
  [["membrane", "--id", "m", "create"], { name: "membrane create", id: "m" }],
];

test.each<[readonly string[], object, string?]>(EQUIVALENT)(
  "capi %j means %j",
  async (words, meant, input) => {
    expect(await read(words, input)).toMatchObject(meant);
  },
);

test("a secret option with @- reads standard input", async () => {
  expect(await read(["membrane", "create", "--id", "m", "--capability", "@-"], `${URI}\n`)).toMatchObject({
    capability: PARSED,
  });
  expect(await read(["request", "@-"], URI)).toMatchObject({ capability: PARSED });
  expect(await read([...TARGET, "--header", "@-"], "X-A: b:c\r\n\r\nX-D:e\n")).toMatchObject({
    body: { headers: { "X-A": "b:c", "X-D": "e" } },
  });
  expect(await read(["config", "configure", "--service", "membrane", "--create", "@-"], URI)).toMatchObject({
    capabilityUris: { create: PARSED },
  });
});

/** Words, the beginning of the error, and the help that it names. */
const REFUSED: [words: readonly string[], message: string, help?: string][] = [
  [[], "expected a command: membrane, request", "capi --help"],
  [["frob"], "frob: no such command", "capi --help"],
  [["membrane"], "membrane: expected create, export, query, revoke or delete-self", "capi membrane --help"],
  [["membrane", "frob"], "frob: no such command", "capi membrane --help"],
  [["config"], "config: expected configure, list, ca or remove", "capi config --help"],
  [["membrane", "create"], "--id: expected the membrane's name", "capi membrane create --help"],
  [["membrane", "create", "--id"], "--id: missing value", "capi membrane create --help"],
  [["membrane", "create", "--id", "a", "--id", "b"], "--id: expected once", "capi membrane create --help"],
  [["membrane", "create", "--id", "a", "b"], "unexpected argument", "capi membrane create --help"],
  [["membrane", "create", "--frob", "a"], "--frob: no such option", "capi membrane create --help"],
  [["membrane", "create", "--no-id"], "--no-id: no such option", "capi membrane create --help"],
  [["membrane", "create", "--uri", "a"], "--uri: no such option"],
  [["membrane", "create", "-H", "a"], "-H: no such option"],
  [[...TARGET, "-o", "f"], "-o: no such option"],
  [["completion", "bash"], "unexpected argument", "capi completion --help"],
  [[...TARGET, "--header", "A: 1", "--method", "PUT", "B: 2"], "unexpected argument"],
  [["membrane", "create", "--id", "a", "--output", "xml"], "--output: expected one of json, uri, env"],
  [["membrane", "create", "--id", "a", "--capability", "b"], "--capability: expected a capability URI"],
  [
    ["membrane", "create", "--id", "a", "--capability", URI.replace("//localhost:8443/#", "aGk:")],
    "--capability: expected a capability URI of the form cpblty://authority/#token; the form cpblty:key:token has no resolver",
  ],
  [["membrane", "query", "--limit", "0"], "--limit: expected a whole number"],
  [["membrane", "query", "--limit", "1e3"], "--limit: expected a whole number"],
  [["membrane", "revoke"], "--capability: expected the membrane's revoke capability, or its name in --id"],
  [["membrane", "revoke", "--id", "a", "--capability", URI], "--id: cannot be combined with --capability"],
  [["membrane", "export", "--uri", "https://a.test/"], "--capability: expected the membrane's export"],
  [
    MEMBRANE_REF,
    "--uri: expected the target's URI, or --capability-to-export",
    "capi membrane export --help",
  ],
  [
    [...TARGET, "--capability-to-export", CAPABILITY_TO_EXPORT],
    "--uri: cannot be combined with --capability-to-export",
  ],
  [[...MEMBRANE_REF, "--capability-to-export", "x"], "--capability-to-export: expected a capability URI"],
  [
    [...MEMBRANE_REF, "--capability-to-export", CAPABILITY_TO_EXPORT, "--method", "GET"],
    "--method: cannot be combined with --capability-to-export: a capability is passed on as it is, or with limits",
  ],
  [
    [...MEMBRANE_REF, "--capability-to-export", CAPABILITY_TO_EXPORT, "--allow-path"],
    "--allow-path: cannot be combined with --capability-to-export",
  ],
  [[...MEMBRANE_REF, "--allow-path"], "--uri: expected the target's URI, which the other options need"],
  [[...TARGET, "--method", "GET,HEAD"], "--method: expected one method, with which every request is sent"],
  [[...TARGET, "--encoded-slash"], "--encoded-slash: expected --allow-path with it"],
  [[...TARGET, "--empty-segments", "--no-allow-path"], "--empty-segments: expected --allow-path with it"],
  [[...TARGET, "--max-uses-every", "1m"], "--max-uses-every: expected --max-uses with it"],
  [
    [...TARGET, "--expires-in", "1d", "--expires-at", "2030-01-01T00:00:00Z"],
    "--expires-in: cannot be combined with",
  ],
  [[...TARGET, "--query", "page=1"], "--query: no such option; this limit goes into the file of --from"],
  [[...TARGET, "--ttl-ms", "1000"], "--ttl-ms: no such option; the lifetime is --expires-in"],
  [
    [...TARGET, "--allow-query", "page"],
    "unexpected argument after --allow-query, which takes only true or false; --allow-query-key NAME allows one key",
  ],
  [
    [...TARGET, "--allow-query=page"],
    "--allow-query: expected true or false; --allow-query-key NAME allows one key",
  ],
  [
    [...TARGET, "--allow-path", "/a"],
    "unexpected argument after --allow-path, which takes only true or false",
  ],
  [[...TARGET, "--max_uses", "1"], "--max_uses: no such option; did you mean --max-uses?"],
  [[...TARGET, "--paths", "/a"], "--paths: no such option; did you mean --path?"],
  [[...TARGET, "--expires-in", "0s"], "--expires-in: expected a duration longer than 0"],
  [[...TARGET, "--allow-query", "--allow-query=false"], "--allow-query: expected once"],
  [[...TARGET, "--allow-query=1"], "--allow-query: expected true or false"],
  [[...TARGET, "--tls-reject-unauthorized=yes"], "--tls-reject-unauthorized: expected true or false"],
  [[...TARGET, "--timeout-ms", "soon"], "--timeout-ms: expected a whole number"],
  [[...TARGET, "--allow-query", "--allow-query-key", "a"], "--allow-query-key: cannot be combined"],
  [[...TARGET, "--expires-in", "7"], "--expires-in: expected a duration with its unit"],
  [[...TARGET, "--max-uses-every", "fast"], "--max-uses-every: expected a duration with its unit"],
  [[...TARGET, "--max-uses", "many"], "--max-uses: expected a whole number of uses"],
  [[...TARGET, "--max-body-bytes", "1MiB"], "--max-body-bytes: expected a whole number of bytes"],
  [[...TARGET, "--label", "--max-uses=1"], "--label: missing value; write --label=…"],
  [[...TARGET, "--label", "--no-delegable"], "--label: missing value; write --label=…"],
  [
    [...TARGET, "--aws4-hmac-sha256-session-token", "--expires-in=7d"],
    "--aws4-hmac-sha256-session-token: missing value; write --aws4-hmac-sha256-session-token=…",
  ],
  [[...TARGET, "--max-uses", "--output", "uri"], "--max-uses: missing value; write --max-uses=…"],
  [[...TARGET, "--methods", "GTE"], "--methods: expected HTTP methods, such as GET,HEAD,POST"],
  [[...TARGET, "--expire", "7d"], "--expire: no such option; did you mean --expires-in?"],
  [[...TARGET, "--limit-max-uses", "1"], "--limit-max-uses: no such option; did you mean --max-uses?"],
  [["membrane", "exprt"], "exprt: no such command; did you mean export?"],
  [["requst"], "requst: no such command; did you mean request?"],
  [[...TARGET, "--delegable=no"], "--delegable: expected true or false"],
  [[...TARGET, "--from", "-"], "--from -: expected a JSON object of limits; it is not a JSON object"],
  [[...TARGET, "--from", "/no/such/file"], "--from: expected the path of a file"],
  [[...MEMBRANE_REF, "--max-uses", "1"], "--uri: expected the target's URI"],
  [[...TARGET, "--header", ""], '--header: expected "Name: value", there is no line'],
  [[...TARGET, "--header", "\n\r\n"], '--header: expected "Name: value", there is no line'],
  [[...TARGET, "--header", "X-A: 1", "--header", ""], '--header: expected "Name: value", there is no line'],
  [[...TARGET, "--header=X-Api-Key:"], "--header X-Api-Key: expected a value"],
  [[...TARGET, "--header", "Authorization: "], "--header Authorization: expected a value"],
  [[...TARGET, "--header", "authorization: Bearer "], "--header authorization: expected a key after Bearer"],
  [[...TARGET, "--header", "Authorization: Basic"], "--header Authorization: expected a key after Basic"],
  [[...INVOKE, "-H", ""], '--header: expected "Name: value", there is no line'],
  [[...TARGET, "--header", "no colon"], '--header: expected "Name: value", there is no colon'],
  [[...TARGET, "--header", "b c: d"], '--header: expected "Name: value", the text before'],
  [[...TARGET, "--header", "X-A: b", "--header", "x-a: c"], "--header x-a: expected once"],
  [
    [...TARGET, "--aws4-hmac-sha256-region", "r"],
    "--aws4-hmac-sha256-aws-access-key-id: expected a value; AWS Signature Version 4 needs one",
  ],
  [[...TARGET, "--cap1-hmac-sha512-key", "k"], "--cap1-hmac-sha512-key-id: expected"],
  [["request"], "URI: expected the capability to invoke"],
  [["request", URI, CAPABILITY_TO_EXPORT], "unexpected argument", "capi request --help"],
  [["request", URI, "--capability", CAPABILITY_TO_EXPORT], "--capability: cannot be combined with URI"],
  [[...INVOKE, "-X", "CONNECT"], "--method: expected an HTTP method"],
  [[...INVOKE, "-X"], "--method: missing value"],
  [[...INVOKE, "-X", "GET,HEAD"], "--method: expected one method"],
  [[...INVOKE, "--path", "a"], "--path: expected a path that begins with a slash (form)"],
  [[...INVOKE, "--path", "/a b"], "--path: expected visible ASCII characters other than"],
  [[...INVOKE, "--path", "/a?b=c"], "--path: expected visible ASCII characters other than"],
  [[...INVOKE, "--path", "/a/../b"], "--path: expected no segment of dots"],
  [[...INVOKE, "-d", "a", "-d", "b"], "--data: expected once"],
  [[...INVOKE, "-H", "authorization: x"], "--header Authorization: expected none"],
  [[...INVOKE, "-H", "A: \u2028"], "--header A: expected characters up to U+00FF"],
  [[...INVOKE, "--query", "a b"], "--query: expected a percent-encoded query"],
  [[...INVOKE, "--query", "a#b"], "--query: expected a percent-encoded query"],
  [["request", "@-", "-d", "@-"], "--data: URI already reads standard input"],
  [["config", "configure", "--service", "mail"], "--service: expected one of membrane"],
  [["config", "remove"], "--profile: expected the name of the profile", "capi config remove --help"],
];

test.each<[readonly string[], string, string?]>(REFUSED)(
  "capi %j is refused: %s",
  async (words, message, help) => {
    const refusal = await read(words, URI).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CliError);
    const failure = refusal as CliError;
    expect(failure.message.startsWith(message), failure.message).toBe(true);
    expect(failure.hint).toBeTruthy();
    if (help !== undefined) expect(failure.hint).toContain(`"${help}"`);
  },
);

test("an unexpected word is not repeated in the error, since it may be a secret", async () => {
  const secret = "Swordfish1/x";
  for (const words of [
    [secret],
    ["membrane", secret],
    ["membrane", "create", "--id", "m", secret],
    ["membrane", "revoke", URI],
    ["membrane", "create", `--${secret}`],
    ["membrane", "create", "--id", "m", "--output", secret],
    ["membrane", "create", `-----BEGIN ${secret}`],
    ["request", secret],
    ["request", URI, `-x${secret}`],
    [...TARGET, "--header", secret],
    [...TARGET, "--header", `Bearer ${secret}: x`],
  ]) {
    const refusal = (await read(words).catch((error: unknown) => error)) as CliError;
    expect(refusal).toBeInstanceOf(CliError);
    expect(refusal.message + refusal.hint).not.toContain(secret);
    expect(refusal.message + refusal.hint).not.toContain(URI.slice(-20));
  }
});

test.each(["create", "query", "delete-self"])(
  "--%s takes only a capability that can be resolved",
  async (name) => {
    const token = URI.split("#")[1]!;
    const expected = "expected a capability URI of the form cpblty://authority/#token";
    const values = Object.fromEntries(["create", "query", "delete-self"].map((each) => [each, URI]));
    for (const bad of ["", token, `cpblty:Vm9n:${token}`, ` cpblty://a/#${token}`, `https://a/#${token}`]) {
      const words = Object.entries({ ...values, [name]: bad }).flatMap(([option, value]) => [
        `--${option}`,
        value,
      ]);
      const refusal = (await read(["config", "configure", ...words]).catch(
        (error: unknown) => error,
      )) as CliError;
      expect(refusal).toBeInstanceOf(CliError);
      expect(refusal.message.startsWith(`--${name}: ${expected}`), refusal.message).toBe(true);
      expect(refusal.message + refusal.hint).not.toContain(token);
    }
  },
);
