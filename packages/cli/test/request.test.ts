import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../testkit/src/target.ts";
import { startRawTarget, startStreamingTarget } from "../../testkit/src/target.ts";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";
import { CAPI, environment } from "./support/program.ts";
import { openTerminal } from "../../testkit/src/pseudo-terminal.ts";

let installation: Installation;
let target: TestTarget;
/** File with the capability for the target. */
let capability: string;
const nothing: RequestListener = (_, response) => void response.end();
let handle = nothing;
beforeAll(async () => {
  [installation, target] = await Promise.all([
    startInstallation(),
    startStreamingTarget((request, response) => handle(request, response)),
  ]);
  await installation.succeed(["membrane", "create", "--id", "m"]);
  capability = `@${await installation.file("capability", await exportUri(target.url))}`;
});
afterEach(() => {
  handle = nothing;
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

function exportUri(uri: string): Promise<string> {
  const args = ["membrane", "export", "--id", "m", "--allow-query", "--uri", uri, "--output", "uri"];
  return installation.succeed(args);
}

/** Responds with facts about the request: the request line, the announced length, some headers, the body's digest. */
const echo: RequestListener = (request, response) => {
  const hash = createHash("sha256");
  request.on("data", (chunk: Buffer) => hash.update(chunk));
  request.on("end", () => {
    const { method, url, headers } = request;
    const { "content-length": length, "content-type": type, "x-a": a } = headers;
    response.end(JSON.stringify({ method, url, length, type, a, digest: hash.digest("hex") }));
  });
};

function digestOf(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function invoke(args: readonly string[], input?: Buffer | string): Promise<any> {
  handle = echo;
  return JSON.parse(await installation.succeed(["request", capability, ...args], input));
}

test("without options the request is a GET without a body", async () => {
  expect(await invoke([])).toEqual({ method: "GET", url: "/", digest: digestOf("") });
});

test("a body is sent unchanged, with its length and without a Content-Type", async () => {
  expect(await invoke(["-d", "a=b&c\n"])).toEqual({
    method: "POST",
    url: "/",
    length: "6",
    digest: digestOf("a=b&c\n"),
  });
  const bytes = randomBytes(200_000);
  const file = await installation.file("body", bytes);
  expect(await invoke(["-d", `@${file}`, "-X", "PUT"])).toMatchObject({
    method: "PUT",
    length: "200000",
    digest: digestOf(bytes),
  });
  const empty = await installation.file("empty", "");
  expect(await invoke(["-d", `@${empty}`])).toMatchObject({
    method: "POST",
    length: "0",
    digest: digestOf(""),
  });
});

test("standard input of any size is streamed", async () => {
  const bytes = randomBytes(3_000_000);
  expect(await invoke(["-d@-", "-XPUT"], bytes)).toMatchObject({ method: "PUT", digest: digestOf(bytes) });
});

test("headers and a query are sent, and a header that is given twice is sent twice", async () => {
  const sent = await invoke([
    "-H",
    "X-A: b:c",
    "-HX-A:d",
    "-H",
    "Content-Type: text/x",
    "--query",
    "a=b&%20=?",
  ]);
  expect(sent).toMatchObject({ url: "/?a=b&%20=?", a: "b:c, d", type: "text/x" });
});

test("the response is written while the body is still being sent", async () => {
  handle = (request, response) => {
    request.on("data", (chunk: Buffer) => response.write(`got ${chunk.toString()}`));
    request.on("end", () => response.end());
  };
  const child = spawn(process.execPath, [CAPI, "request", capability, "-d", "@-"], {
    env: environment(installation.path),
    cwd: installation.path,
  });
  const lines: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => lines.push(chunk.toString()));
  for (const word of ["one", "two"]) {
    child.stdin.write(word);
    while (!lines.join("").includes(`got ${word}`)) await once(child.stdout, "data");
  }
  child.stdin.end();
  await once(child, "close");
  expect([child.exitCode, lines.join("")]).toEqual([0, "got onegot two"]);
});

test("the body of the response is written byte for byte", async () => {
  const bytes = randomBytes(1_000_000);
  handle = (_, response) => void response.end(bytes);
  const file = join(installation.path, "response");
  await installation.succeed(["request", capability, "-o", file]);
  expect(await readFile(file)).toEqual(bytes);
  const script = '"$0" "$1" request "$2" | sha256sum';
  const piped = spawn("sh", ["-c", script, process.execPath, CAPI, capability], {
    env: environment(installation.path),
    cwd: installation.path,
  });
  const [digest] = (await once(piped.stdout, "data")) as [Buffer];
  expect(digest.toString()).toContain(digestOf(bytes));
});

test("with -i the status line and the headers are written first, also to a file", async () => {
  handle = (_, response) => void response.writeHead(201, { "X-Told": "a: b" }).end("body");
  const head = /^HTTP\/1\.1 201 Created\r\n(?:[^\r\n]+\r\n)*X-Told: a: b\r\n(?:[^\r\n]+\r\n)*\r\nbody$/;
  expect(await installation.succeed(["request", "-i", capability])).toMatch(head);
  const file = join(installation.path, "response");
  await installation.succeed(["request", capability, `-io${file}`]);
  expect(await readFile(file, "utf8")).toMatch(head);
});

test("a response of 400 and above is written, and the command fails", async () => {
  handle = (_, response) => void response.writeHead(418).end("short and stout");
  const { code, stdout, stderr } = await installation.capi(["request", capability]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "short and stout" });
  expect(stderr).toMatch(/^FAILED\n418 I'm a Teapot\n\n.+/);
});

test("a redirect is written like any other response, and is not followed", async () => {
  handle = (_, response) =>
    void response.writeHead(302, { location: "https://localhost:1/" }).end("over there");
  expect(await installation.succeed(["request", capability])).toBe("over there");
});

test("a response that the service sends in place of the target's is reported as the service's", async () => {
  const { url } = await startRawTarget((socket) => void socket.destroy()).then(async (gone) => {
    await gone[Symbol.asyncDispose]();
    return gone;
  });
  const { code, stdout, stderr } = await installation.capi(["request", await exportUri(url)]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ code: "target_unreachable" });
  expect(stderr).toContain("502 Bad Gateway");
  expect(stderr).toContain(
    `${installation.authority} could not forward the request or the target's response`,
  );
});

test("a refusal by the service is not reported as a response that it could not forward", async () => {
  const { code, stderr } = await installation.capi([
    "request",
    capability,
    "--query",
    "a=1",
    "-H",
    "Expect: other",
  ]);
  expect(code).toBe(1);
  expect(stderr).not.toContain("could not forward");
  expect(stderr).toContain(`${installation.authority} refused the request`);
});

test("a response that is aborted makes the command fail, on standard output and in a file", async () => {
  handle = (_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  };
  const file = join(installation.path, "half");
  for (const args of [[], ["-o", file]]) {
    const { code, stderr } = await installation.capi(["request", capability, ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^FAILED\n/);
    expect(stderr).toContain("ended prematurely");
  }
  expect(await readFile(file, "utf8")).toBe("half");
});

test("the error names a file that cannot be read or written, and a missing body is found before anything is sent", async () => {
  let arrived = 0;
  handle = (_, response) => {
    arrived++;
    response.end("x");
  };
  const unsent = await installation.capi(["request", capability, "-d", "@none"]);
  expect(unsent.stderr).toContain("--data: none cannot be read");
  expect(arrived).toBe(0);
  const unwritten = await installation.capi(["request", capability, "-o", "no/such/directory"]);
  expect(unwritten.stderr).toContain("--output: no/such/directory cannot be written");
  expect([unsent.code, unwritten.code]).toEqual([1, 1]);
});

test("when the reader closes the pipe early, capi ends without an error", async () => {
  handle = (request, response) => {
    // Node 26 calls the callback with an error immediately once the connection is closed.
    const more = (error?: Error | null): void => {
      if (!error && !response.destroyed) response.write("x".repeat(65_536), more);
    };
    more();
    request.resume();
  };
  const script = '{ "$0" "$1" request "$2" 2>errors; echo "code $?" >&2; } | head -c 5';
  const child = spawn("bash", ["-c", script, process.execPath, CAPI, capability], {
    env: environment(installation.path),
    cwd: installation.path,
  });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  await once(child, "close");
  expect(said.join("")).toBe("code 0\n");
  expect(await readFile(join(installation.path, "errors"), "utf8")).toBe("");
});

test.each(["no line break", "a line break\n", ""])(
  "on a terminal the prompt is on a new line after %j",
  async (text) => {
    handle = (_, response) => void response.end(text);
    const file = join(installation.path, capability.slice(1).split("/").at(-1)!);
    using terminal = openTerminal(
      "bash",
      ["-c", '"$@"; echo "[prompt]"', "bash", process.execPath, CAPI, "request", `@${file}`],
      environment(installation.path),
    );
    await terminal.ended;
    const shown = text === "" ? "" : `${text.trimEnd()}\r\n`;
    expect(terminal.shown()).toBe(`${shown}[prompt]\r\n`);
  },
);

test("no response controls a terminal, unless --raw is given", async () => {
  handle = (_, response) => void response.writeHead(200, { "x-a": "b" }).end("a\u001b[2Jb\n");
  const openRequest = (...args: string[]) =>
    openTerminal(process.execPath, [CAPI, "request", capability, ...args], environment(installation.path));
  using escaped = openRequest();
  await escaped.ended;
  expect(escaped.shown()).toBe("a\\u001b[2Jb\r\n");
  using raw = openRequest("--raw");
  await raw.ended;
  expect(raw.shown()).toBe("a\u001b[2Jb\r\n");
});

test("a file over the size that the service buffers is sent with its hash to a signed target", async () => {
  const bytes = randomBytes(9 * 1024 * 1024);
  const file = await installation.file("large", bytes);
  let declared: string | undefined;
  handle = (request, response) => {
    declared = request.headers["x-amz-content-sha256"]?.toString();
    request.resume().on("end", () => response.end("taken"));
  };
  const args = ["access-key-id", "secret-access-key", "region", "service"].flatMap((name) => [
    `--aws4-hmac-sha256-${name === "access-key-id" ? "aws-" : ""}${name}`,
    "x",
  ]);
  const exporting = ["membrane", "export", "--id", "m", "--uri", target.url, "--output", "uri"];
  const uri = await installation.succeed(exporting.concat(args));
  const signed = `@${await installation.file("signed", uri)}`;
  expect(await installation.succeed(["request", signed, "-d", `@${file}`])).toBe("taken");
  expect(declared).toBe(digestOf(bytes));
});
