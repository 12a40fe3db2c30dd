import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, isCorrectlySigned } from "../../testkit/src/aws4-reference.ts";
import { freePort } from "../../testkit/src/free-port.ts";
import type { ProcessResult } from "../../testkit/src/run.ts";
import { run } from "../../testkit/src/run.ts";
import { createS3Stub } from "../../testkit/src/s3-stub.ts";
import type { TestTarget } from "../../testkit/src/target.ts";
import { startTarget } from "../../testkit/src/target.ts";
import { makeCapability, reveals } from "./support/capabilities.ts";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";
import { CAPI, environment } from "./support/program.ts";
import { openTerminal } from "../../testkit/src/pseudo-terminal.ts";

/* Each preset on a terminal, and then the client that it is for, unmodified, with the lines that the terminal showed. */

let installation: Installation;
let key: string;
beforeAll(async () => {
  installation = await startInstallation();
  key = await installation.file("key.txt", "Authorization: Bearer SECRET\n");
  await installation.file("secret.txt", AWS_KEY.secretAccessKey);
  await mkdir(join(installation.path, ".aws"));
  await installation.succeed(["membrane", "create", "--id", "m"]);
});
afterAll(() => installation[Symbol.asyncDispose]());

const exportArgs = (preset: string, more: readonly string[]): string[] => [
  "membrane",
  "export",
  "--id",
  "m",
  "--cacert",
  installation.ca,
  "--preset",
  preset,
  ...more,
];

const awsArgs = (): string[] => [
  "--aws4-hmac-sha256-aws-access-key-id",
  AWS_KEY.awsAccessKeyId,
  "--aws4-hmac-sha256-region",
  AWS_KEY.region,
  "--aws4-hmac-sha256-secret-access-key",
  `@${join(installation.path, "secret.txt")}`,
];

/** Runs `capi` through a shell with this redirection; returns the lines that the terminal shows. */
async function onTerminal(args: readonly string[], redirection = ""): Promise<readonly string[]> {
  const script = `exec "$@" ${redirection}`;
  const words = ["-c", script, "sh", process.execPath, CAPI, ...args];
  using terminal = openTerminal("sh", words, { ...environment(installation.path), NO_COLOR: "1" });
  expect(await terminal.ended, terminal.shown()).toBe(0);
  return terminal.shown().split("\r\n");
}

/** What was shown for a place: the lines after its heading, up to the next empty one. */
function linesFor(shown: readonly string[], place: string): string {
  const from = shown.findIndex((line) => line.startsWith(place)) + 2;
  expect(from, shown.join("\n")).toBeGreaterThan(1);
  return shown.slice(from, shown.indexOf("", from)).join("\n");
}

/** Runs a program with the variables that were shown. */
function runClient(shown: readonly string[], code: string): Promise<ProcessResult> {
  const variables = shown.filter((line) => line.startsWith("export ")).join("\n");
  const script = `${variables}\nexec "$0" --input-type=module -e "$1"`;
  return run("sh", ["-c", script, process.execPath, code], {
    env: { ...environment(installation.path), AWS_PROFILE: "membrane", NODE_NO_WARNINGS: "1" },
    // The clients are installed for the tests of the service.
    cwd: fileURLToPath(new URL("../../service", import.meta.url)),
  });
}

async function expectPrinted(client: Promise<ProcessResult>, printed: string): Promise<void> {
  const { code, stdout, stderr } = await client;
  expect([code, stdout], stderr).toEqual([0, printed]);
}

/** Starts a target that responds with JSON, if a request has the target's own credential. */
function startApi(name: string, value: string, json: object): Promise<TestTarget> {
  return startTarget(({ headers }, response) => {
    const status = headers[name] === value ? 200 : 401;
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(json));
  });
}

/** Starts a target that responds to what is signed for a service. */
async function startAws(service: string, json: object): Promise<TestTarget> {
  const target: TestTarget = await startTarget((_request, response) => {
    const status = isCorrectlySigned(target.requests.at(-1)!, service) ? 200 : 403;
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" }).end(JSON.stringify(json));
  });
  return target;
}

test("the OpenAI SDK works with the variables that openai shows, for models and not for files", async () => {
  const text = { choices: [{ message: { role: "assistant", content: "hello" } }] };
  await using target = await startApi("authorization", "Bearer SECRET", text);
  const shown = await onTerminal(exportArgs("openai", ["--uri", `${target.url}v1`, "--header", `@${key}`]));
  const program = `
    import OpenAI from "openai";
    const client = new OpenAI({ maxRetries: 0 });
    const { choices } = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }] });
    await client.models.list();
    const refused = await client.files.list().catch((error) => error);
    process.stdout.write(choices[0].message.content + " " + refused.status);
  `;
  await expectPrinted(runClient(shown, program), "hello 403");
  expect(target.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "POST /v1/chat/completions",
    "GET /v1/models",
  ]);
});

test("the Anthropic SDK works with the variables that anthropic shows", async () => {
  await using target = await startApi("x-api-key", "SECRET", { content: [{ type: "text", text: "hello" }] });
  const args = ["--uri", target.url, "--header", "X-Api-Key: SECRET"];
  const shown = await onTerminal(exportArgs("anthropic", args));
  const program = `
    import Anthropic from "@anthropic-ai/sdk";
    const request = { model: "m", max_tokens: 1, messages: [{ role: "user", content: "x" }] };
    const client = new Anthropic({ maxRetries: 0 });
    const { content } = await client.messages.create(request);
    await client.models.list({ limit: 1 });
    process.stdout.write(content[0].text);
  `;
  await expectPrinted(runClient(shown, program), "hello");
  expect(target.requests.map(({ url }) => url)).toEqual(["/v1/messages", "/v1/models?limit=1"]);
});

test("Octokit works with the options that github shows, for the one repository and to read", async () => {
  await using target = await startApi("authorization", "Bearer SECRET", { full_name: "o/r" });
  const args = ["--uri", target.url, "--header", `@${key}`, "--only", "o/r"];
  const shown = await onTerminal(exportArgs("github", args));
  const program = `
    import { Octokit } from "@octokit/core";
    const octokit = new Octokit(${linesFor(shown, "Options of Octokit")});
    const { data } = await octokit.request("GET /repos/o/r");
    const status = ({ status }) => status;
    const other = await octokit.request("GET /repos/o/r2").catch(status);
    const write = await octokit.request("POST /repos/o/r/issues", { title: "x" }).catch(status);
    process.stdout.write([data.full_name, other, write].join(" "));
  `;
  await expectPrinted(runClient(shown, program), "o/r 403 405");
  expect(target.requests).toHaveLength(1);
});

test("the AWS SDK reads and lists below the prefix with the profile that s3 shows, and writes nothing", async () => {
  const s3 = createS3Stub();
  s3.objects.set("/my-bucket/reports/1 a.txt", Buffer.from("hello"));
  s3.objects.set("/my-bucket/other.txt", Buffer.from("secret"));
  await using target: TestTarget = await startTarget((_request, response) =>
    s3.handle(target.requests.at(-1)!, response),
  );
  const args = ["--uri", target.url, "--only", "my-bucket/reports", ...awsArgs()];
  const shown = await onTerminal(exportArgs("s3", args));
  await writeFile(join(installation.path, ".aws", "config"), linesFor(shown, "In ~/.aws/config"));
  const program = `
    import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
    const s3 = new S3Client({ forcePathStyle: true, maxAttempts: 1 });
    const Bucket = "my-bucket";
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "reports/" }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: Contents[0].Key }));
    const refused = [
      new ListObjectsV2Command({ Bucket }),
      new GetObjectCommand({ Bucket, Key: "other.txt" }),
      new PutObjectCommand({ Bucket, Key: "reports/2.txt", Body: "x" }),
    ].map((command) => s3.send(command).then(() => "sent", ({ $metadata }) => $metadata.httpStatusCode));
    process.stdout.write([await Body.transformToString(), ...(await Promise.all(refused))].join(" "));
  `;
  await expectPrinted(runClient(shown, program), "hello 403 403 405");
  expect(target.requests).toHaveLength(2);
});

test("the AWS SDK gets items with the profile that dynamodb shows, and scans no table", async () => {
  await using target = await startAws("dynamodb", { Item: { id: { S: "hello" } } });
  const shown = await onTerminal(exportArgs("dynamodb", ["--uri", target.url, ...awsArgs()]));
  await writeFile(join(installation.path, ".aws", "config"), linesFor(shown, "In ~/.aws/config"));
  const program = `
    import { DynamoDBClient, GetItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
    const client = new DynamoDBClient({ maxAttempts: 1 });
    const { Item } = await client.send(new GetItemCommand({ TableName: "t", Key: { id: { S: "1" } } }));
    const refused = await client.send(new ScanCommand({ TableName: "t" })).catch((error) => error);
    process.stdout.write(Item.id.S + " " + refused.$metadata.httpStatusCode);
  `;
  await expectPrinted(runClient(shown, program), "hello 403");
  expect(target.requests.map(({ headers }) => headers["x-amz-target"])).toEqual([
    "DynamoDB_20120810.GetItem",
  ]);
});

test("the AWS SDK invokes the function with the profile that lambda shows, and no other", async () => {
  await using target = await startAws("lambda", { from: "f" });
  const shown = await onTerminal(exportArgs("lambda", ["--uri", target.url, "--only", "f", ...awsArgs()]));
  await writeFile(join(installation.path, ".aws", "config"), linesFor(shown, "In ~/.aws/config"));
  const program = `
    import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
    const client = new LambdaClient({ maxAttempts: 1 });
    const { Payload } = await client.send(new InvokeCommand({ FunctionName: "f", Payload: "{}" }));
    const refused = await client.send(new InvokeCommand({ FunctionName: "g" })).catch((error) => error);
    process.stdout.write(Payload.transformToString() + " " + refused.$metadata.httpStatusCode);
  `;
  await expectPrinted(runClient(shown, program), '{"from":"f"} 403');
  expect(target.requests).toHaveLength(1);
});

test("the server that mcp shows as JSON gets calls of the one tool", async () => {
  await using target = await startApi("authorization", "Bearer SECRET", { result: "hello" });
  const args = ["--uri", `${target.url}mcp`, "--header", `@${key}`, "--only", "search"];
  const shown = await onTerminal(exportArgs("mcp", args));
  const { mcpServers } = JSON.parse(linesFor(shown, "In the client's list of servers"));
  const program = `
    const { url, headers } = ${JSON.stringify(mcpServers.membrane)};
    const call = (name) => fetch(url, {
      method: "POST",
      headers: { ...headers, "Mcp-Method": "tools/call", "Mcp-Name": name, "Mcp-Protocol-Version": "2026-07-28" },
      body: "{}",
    });
    const { result } = await (await call("search")).json();
    process.stdout.write(result + " " + (await call("delete")).status);
  `;
  await expectPrinted(runClient(shown, program), "hello 403");
  expect(target.requests.map(({ url }) => url)).toEqual(["/mcp"]);
});

test("curl works with the line that any-http shows", async () => {
  await using target = await startApi("authorization", "Bearer SECRET", { a: 1 });
  const shown = await onTerminal(exportArgs("any-http", ["--uri", target.url, "--header", `@${key}`]));
  const variables = shown.filter((line) => line.startsWith("export ")).join("\n");
  const script = `${variables}\n${linesFor(shown, "curl")}reports/1?a=b`;
  const env = environment(installation.path);
  await expectPrinted(run("sh", ["-c", `${script} --silent`], { env }), '{"a":1}');
  expect(target.requests.map(({ url }) => url)).toEqual(["/reports/1?a=b"]);
});

const shortest = (): string[] => exportArgs("any-http", ["--uri", "https://a.test/", "--output", "uri"]);

test("to a pipe, standard output has the URI alone, and standard error what was filled in, without the token", async () => {
  const { code, stdout, stderr } = await installation.capi(shortest());
  expect(code).toBe(0);
  expect(stdout).toMatch(/^cpblty:\S+\n$/);
  expect(stderr.split("\n")).toEqual([
    "--preset any-http: any server: all methods, paths and queries below the URI.",
    "It filled in:",
    "  --allow-path",
    "  --allow-query",
    "",
  ]);
});

test("a terminal shows no token of a capability that is written to a file, and says where it is", async () => {
  const shown = await onTerminal(shortest(), `>${join(installation.path, "capability")}`);
  const capability = await readFile(join(installation.path, "capability"), "utf8");
  expect(shown).toContain("TOKEN is the part of the capability after #.");
  expect(linesFor(shown, "curl")).toBe(
    `curl -H "Authorization: Bearer TOKEN" https://${installation.authority}/`,
  );
  expect(reveals(shown.join("\n"), capability.trim())).toBe(false);
});

test("a log of standard error has no token, even if the terminal shows it", async () => {
  const shown = await onTerminal(shortest(), `2>${join(installation.path, "log")}`);
  const [capability = ""] = shown;
  expect(linesFor(shown, "curl")).toContain(capability.slice(capability.indexOf("#") + 1));
  const log = await readFile(join(installation.path, "log"), "utf8");
  expect(log).toContain("--preset any-http");
  expect(reveals(log, capability)).toBe(false);
});

test("where something is missing, the error names it, and nothing is sent", async () => {
  const exporting = makeCapability(`localhost:${await freePort()}`);
  const { code, stderr } = await installation.capi([
    "membrane",
    "export",
    "--capability",
    exporting,
    "--preset",
    "openai",
  ]);
  expect([code, stderr.split("\n")[1]]).toEqual([
    1,
    '--header: expected the key that the target gets, as in "Authorization: Bearer KEY"',
  ]);
});
