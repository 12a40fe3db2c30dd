import { PassThrough, Readable } from "node:stream";
import { parseExportRequest } from "capability-protocol";
import { expect, test } from "vitest";
import { makeCapability } from "../../../../../test/support/capabilities.ts";
import { CliError } from "../../../../errors/cli-error.ts";
import { readCommandLine } from "../../../../read-command-line.ts";
import { createSecretReader } from "../../../../secret.ts";
import { findLimitWarnings } from "../limit-warnings.ts";
import { formatFilled } from "./format-filled.ts";
import type { ClientSetup } from "./preset.ts";
import { PRESETS } from "./presets.ts";

const BEARER = ["--header", "Authorization: Bearer KEY"];
const AWS = [
  "--aws4-hmac-sha256-aws-access-key-id",
  "AKID",
  "--aws4-hmac-sha256-secret-access-key",
  "secret",
  "--aws4-hmac-sha256-region",
  "eu-central-1",
];
const MCP = ["--uri", "https://mcp.example/mcp"];

/** The shortest command line of each preset. */
const SHORTEST: Readonly<Record<string, readonly string[]>> = {
  openai: BEARER,
  anthropic: ["--header", "X-Api-Key: KEY"],
  github: BEARER,
  s3: [...AWS, "--only", "my-bucket"],
  lambda: [...AWS, "--only", "my-function"],
  dynamodb: AWS,
  mcp: MCP,
  "any-http": ["--uri", "https://api.example/"],
};

/** Reads an export; standard input is the file of `--from -`. */
async function read(args: readonly string[], file = ""): Promise<any> {
  const { input } = await readCommandLine(["membrane", "export", "--id", "m", ...args], {
    version: "0.0.0",
    openSecrets: () => createSecretReader(file === "" ? new PassThrough().end() : Readable.from([file])),
  });
  return input;
}

async function bodyOf(preset: string, more: readonly string[] = [], file?: string): Promise<any> {
  return (await read(["--preset", preset, ...more], file)).body;
}

test.each([...PRESETS.keys()])(
  "the body of %s is one that the protocol accepts, and each of its limits has an effect",
  async (name) => {
    const body = JSON.parse(JSON.stringify(await bodyOf(name, SHORTEST[name])));
    const request = parseExportRequest(body);
    expect(request).toMatchObject({ ok: true });
    if (request.ok) expect(findLimitWarnings(request.value, new Date())).toEqual([]);
  },
);

test.each([
  ["openai", "https://api.openai.com/v1"],
  ["anthropic", "https://api.anthropic.com/"],
  ["github", "https://api.github.com/"],
  ["s3", "https://s3.eu-central-1.amazonaws.com/"],
  ["lambda", "https://lambda.eu-central-1.amazonaws.com/"],
  ["dynamodb", "https://dynamodb.eu-central-1.amazonaws.com/"],
])("%s knows its target, %s", async (name, uri) => {
  expect((await bodyOf(name, SHORTEST[name])).uri).toBe(uri);
});

test("the endpoints of regions in China have another domain", async () => {
  const { uri } = await bodyOf("dynamodb", [...AWS.slice(0, -1), "cn-north-1"]);
  expect(uri).toBe("https://dynamodb.cn-north-1.amazonaws.com.cn/");
});

const LIST = {
  "list-type": true,
  delimiter: true,
  "encoding-type": true,
  "max-keys": true,
  "continuation-token": true,
  "start-after": true,
  "fetch-owner": true,
  marker: true,
};

test.each([
  ["github", ["--only", "my-org/my-repo.js"], { paths: ["/repos/my-org/my-repo.js/**"] }],
  ["github", ["--only", "o/r.git"], { paths: ["/repos/o/r/**"] }],
  ["github", ["--only", "o/r", "42"], { paths: ["/repos/o/r/**", "/repositories/42/**"] }],
  [
    "lambda",
    ["--only", "f", "g"],
    { paths: ["f", "g"].map((name) => `/2015-03-31/functions/${name}/invocations`) },
  ],
  [
    "lambda",
    ["--only", "arn:aws:lambda:eu-central-1:1:function:f"],
    {
      paths: ["/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A1%3Afunction%3Af/invocations"],
    },
  ],
  ["dynamodb", [], { methods: ["POST"], headers: { "x-amz-target": ["DynamoDB_20120810.GetItem"] } }],
  [
    "dynamodb",
    ["--only", "Query", "Scan"],
    { headers: { "x-amz-target": ["DynamoDB_20120810.Query", "DynamoDB_20120810.Scan"] } },
  ],
  ["mcp", [], { methods: ["GET", "POST", "DELETE"] }],
  [
    "mcp",
    ["--only", "search"],
    {
      methods: ["POST"],
      headers: {
        "mcp-method": ["server/discover", "tools/list", "tools/call"],
        "mcp-name": ["search"],
        "mcp-protocol-version": ["2026-07-28"],
      },
    },
  ],
  [
    "s3",
    ["--only", "my-bucket/a b/c!*/"],
    {
      methods: ["GET", "HEAD"],
      requests: [
        {
          methods: ["GET"],
          paths: ["/my-bucket", "/my-bucket/"],
          query: { prefix: [{ startsWith: "a b/c!*/" }], ...LIST },
        },
        { paths: ["/my-bucket/a%20b/c%21%2A/", "/my-bucket/a%20b/c%21%2A/*/**"] },
      ],
    },
  ],
  [
    "s3",
    ["--only", "my-bucket"],
    {
      methods: ["GET", "HEAD"],
      requests: [
        { methods: ["GET"], paths: ["/my-bucket", "/my-bucket/"], query: { prefix: true, ...LIST } },
        { paths: ["/my-bucket/*/**"] },
      ],
    },
  ],
])("%s with %j has the limits %j", async (name, only, limits) => {
  const rest = name === "github" ? BEARER : name === "mcp" ? MCP : AWS;
  expect((await bodyOf(name, [...rest, ...only])).limits).toMatchObject(limits);
});

test("options of the command line replace those of the preset, and one that repeats is added", async () => {
  const rest = ["--uri", "http://127.0.0.1:9/x", "--no-allow-path", "--methods", "DELETE", "--max-uses", "1"];
  expect(await bodyOf("openai", rest)).toMatchObject({
    uri: "http://127.0.0.1:9/x",
    allowPath: false,
    limits: { methods: ["DELETE"], maxUses: 1 },
  });
  const opened = await bodyOf("dynamodb", [
    ...AWS,
    "--allow-header",
    "X-A",
    "--allow-header",
    "X-Amz-Target",
  ]);
  expect(opened.allowHeaders).toEqual(["X-A", "X-Amz-Target"]);
  const added = await bodyOf("dynamodb", [...AWS, "--allow-header", "X-A"]);
  expect(added.allowHeaders).toEqual(["x-amz-target", "X-A"]);
  const service = ["--aws4-hmac-sha256-service", "s3-outposts"];
  expect((await bodyOf("s3", [...AWS, "--only", "my-bucket", ...service])).hmac).toMatchObject({
    "aws4-hmac-sha256": { service: "s3-outposts" },
  });
});

test("what is said of queries replaces what the preset says of them, whichever option it is in", async () => {
  expect((await bodyOf("github", [...BEARER, "--allow-query-key", "page"])).allowQuery).toEqual(["page"]);
  const key = ["--header", "X-Api-Key: KEY"];
  expect((await bodyOf("anthropic", [...key, "--allow-query"])).allowQuery).toBe(true);
  expect((await bodyOf("anthropic", [...key, "--no-allow-query"])).allowQuery).toBe(false);
});

test("paths replace all that the preset says of where requests go, and other limits stay", async () => {
  const { limits } = await bodyOf("openai", [...BEARER, "--path", "/files/**"]);
  expect(limits).toEqual({ methods: ["GET", "POST"], paths: ["/files/**"] });
  expect((await bodyOf("s3", [...AWS, "--path", "/b/**"])).limits).toEqual({
    methods: ["GET", "HEAD"],
    paths: ["/b/**"],
  });
});

test("limits of a file replace those of the preset, and options those of the file", async () => {
  const file = '{"methods": ["PUT"], "requests": [{"paths": ["/a"]}], "maxUses": 5}';
  const { limits } = await bodyOf("openai", [...BEARER, "--from", "-", "--max-uses", "6"], file);
  expect(limits).toEqual({ methods: ["PUT"], requests: [{ paths: ["/a"] }], maxUses: 6 });
  const headers = '{"headers": {"x-amz-target": ["T"]}}';
  expect((await bodyOf("dynamodb", [...AWS, "--from", "-"], headers)).limits).toEqual({
    methods: ["POST"],
    headers: { "x-amz-target": ["T"] },
  });
});

test.each<[readonly string[], string | RegExp, string?]>([
  [["--preset", "gpt"], `--preset: expected one of ${[...PRESETS.keys()].join(", ")}`],
  [
    ["--uri", "https://a.test/", "--only", "x"],
    "--only: expected --preset with it, which decides what it means",
  ],
  [
    ["--preset", "openai"],
    '--header: expected the key that the target gets, as in "Authorization: Bearer KEY"',
  ],
  [["--preset", "anthropic", ...BEARER.slice(0, 1), "X-Other: KEY"], /^--header: expected the key/],
  [["--preset", "mcp"], "--uri: expected the server's URI, which --preset mcp does not know"],
  [
    ["--preset", "s3", "--only", "my-bucket"],
    /^--aws4-hmac-sha256-region: expected the target's region, such as us-east-1, or its URI in --uri$/,
  ],
  [
    ["--preset", "lambda", ...AWS.slice(0, -1), "a.test/"],
    /^--aws4-hmac-sha256-region: expected the target's region/,
  ],
  [
    ["--preset", "dynamodb", ...AWS.slice(2)],
    "--aws4-hmac-sha256-aws-access-key-id: expected a value; AWS Signature Version 4 needs one",
  ],
  [
    ["--preset", "s3", ...AWS],
    /^--only: expected BUCKET or BUCKET\/PREFIX, such as .*, which --preset s3 needs$/,
  ],
  [["--preset", "lambda", ...AWS], "--only: expected a function's name or ARN, which --preset lambda needs"],
  [["--preset", "s3", ...AWS, "--only", "My_Bucket"], /^--only: expected BUCKET or BUCKET\/PREFIX/],
  [["--preset", "s3", ...AWS, "--only", "my-bucket/../x"], /^--only: expected BUCKET/],
  [["--preset", "s3", ...AWS, "--only", "my-bucket/a//b"], /^--only: expected BUCKET/],
  [
    ["--preset", "github", ...BEARER, "--only", "o/.."],
    "--only: expected OWNER/REPO, or a repository's number",
  ],
  [
    ["--preset", "dynamodb", ...AWS, "--only", "get-item"],
    "--only: expected the name of an action, such as GetItem",
  ],
  [["--preset", "mcp", ...MCP, "--only", "a\u0007"], "--only: expected a tool's name"],
  [
    ["--preset", "openai", ...BEARER, "--only", "x"],
    "--only: expected no value with --preset openai; --path limits its paths",
  ],
  [
    ["--preset", "github", ...BEARER, "--only", ...Array.from({ length: 17 }, (_, id) => `${id}`)],
    "--only: expected at most 16 values",
  ],
  [
    ["--preset", "github", ...BEARER, "--only", "o/r", "--path", "/x"],
    /^--only: expected no value, since .* limit the same \(paths\)$/,
  ],
  [["--preset", "s3", ...AWS, "--only", "my-bucket", "--path", "/x"], /^--only: .*\(requests\)$/],
  [
    ["--preset", "dynamodb", ...AWS, "--only", "Scan", "--from", "-"],
    /^--only: .*\(headers\)$/,
    '{"headers": {"x-a": true}}',
  ],
  [
    ["--preset", "openai", "--capability-to-export", makeCapability()],
    /^--preset: cannot be combined with --capability-to-export/,
  ],
])("%j is refused: %s", async (args, message, file) => {
  const error = await read(args, file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CliError);
  expect((error as CliError).message).toMatch(message);
});

const HTTP = ["--uri", "https://a.test/"];

test.each<[string, readonly string[], string]>([
  ["github", BEARER, "GitHub's REST API: read-only"],
  ["github", [...BEARER, "--only", "o/r"], "GitHub's REST API: read-only"],
  [
    "github",
    [...BEARER, "--methods", "GET,HEAD,POST"],
    "GitHub's REST API: GET, HEAD, POST; all paths below the URI; all queries",
  ],
  [
    "s3",
    [...AWS, "--only", "my-bucket", "--methods", "PUT"],
    "Amazon S3 or a compatible server: PUT; requests as its limits say; all queries",
  ],
  [
    "openai",
    [...BEARER, "--path", "/files/**"],
    "OpenAI's API or a compatible one: GET, POST; paths /files/**; no queries",
  ],
  [
    "mcp",
    [...MCP, "--allow-path"],
    "a server of the Model Context Protocol over HTTP: GET, POST, DELETE; all paths below the URI; no queries",
  ],
  ["any-http", HTTP, "any server: all methods, paths and queries below the URI"],
  [
    "any-http",
    [...HTTP, "--methods", "GET", "--path", "/a/**"],
    "any server: GET (read-only); paths /a/**; all queries",
  ],
  ["any-http", [...HTTP, "--allow-path=false"], "any server: all methods; the URI alone; all queries"],
  [
    "any-http",
    [...HTTP, "--method", "POST", "--allow-query-key", "a", "b"],
    "any server: every request sent with POST; all paths below the URI; query keys a, b",
  ],
])("%s with %j says what the new capability admits: %s", async (name, args, said) => {
  const { preset, body } = await read(["--preset", name, ...args]);
  expect(formatFilled(preset, body)[0]).toBe(`--preset ${name}: ${said}.`);
});

const CURL = 'curl -H "Authorization: Bearer TOKEN" https://AUTHORITY/';

test.each<[readonly string[], readonly string[]]>([
  [HTTP, [CURL, "git clone https://git:TOKEN@AUTHORITY/PROJECT.git"]],
  [
    ["--uri", "https://a.test/o/my-project.git"],
    [CURL, "git clone https://git:TOKEN@AUTHORITY/ my-project"],
  ],
  [[...HTTP, "--methods", "POST"], [CURL.replace("-H", "-X POST -H")]],
  [[...HTTP, "--methods", "HEAD"], [CURL.replace("-H", "--head -H")]],
  [[...HTTP, "--methods", "GET,HEAD"], [CURL]],
  [[...HTTP, "--allow-path=false"], [CURL]],
  [[...HTTP, "--no-allow-query"], [CURL]],
  [[...HTTP, "--path", "/a/**"], [`${CURL}a/PATH`]],
  [[...HTTP, "--from", "-"], []],
])("any-http with %j shows only lines that work: %j", async (args, lines) => {
  const { preset, body } = await read(["--preset", "any-http", ...args], '{"query": {"a": ["1"]}}');
  const endpoint = { authority: "AUTHORITY", token: "TOKEN", region: "", target: body };
  expect(preset.preset.clients(endpoint).flatMap((setup: ClientSetup) => setup.lines)).toEqual(lines);
});

test("what a preset filled in is said as options, and nothing that was given", async () => {
  const key = ["--header", "Authorization: Bearer swordfish", "--uri", "https://a.test/swordfish"];
  const args = ["--preset", "github", ...key, "--only", "o/r", "--methods", "GET"];
  const { preset, body } = await read(args);
  expect(formatFilled(preset, body)).toEqual([
    "--preset github: GitHub's REST API: GET (read-only); paths /repos/o/r/**; all queries.",
    "It filled in:",
    "  --allow-path",
    "  --allow-query",
    "  --path '/repos/o/r/**'",
    expect.stringMatching(/^GitHub links the next page/),
  ]);
});

test.each([...PRESETS.keys()])(
  "the options and the file that %s says to have filled in have the same effect without it",
  async (name) => {
    const { preset, body } = await read(["--preset", name, ...SHORTEST[name]!]);
    const lines = formatFilled(preset, body).flatMap((line) =>
      line.startsWith("  --") ? [line.trim()] : [],
    );
    const words = lines.map((line) => line.split(" ", 2).map((word) => word.replace(/^'|'$/g, "")));
    const file = lines.find((line) => line.startsWith("--from "))?.replace(/^.*?FILE with /, "");
    const options = words.flatMap(([option, value]) =>
      option === "--from" ? ["--from", "-"] : value === undefined ? [option!] : [option!, value],
    );
    const given = SHORTEST[name]!.join("\n")
      .replace(/\n--only\n.*$/, "")
      .split("\n");
    expect((await read([...given, ...options], file)).body).toEqual(body);
  },
);
