import { env } from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { run } from "../../../testkit/src/run.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";

/* Real clients follow the redirects of a hostile target, and never present the token to the host that it names. */

const STATUSES = [301, 302, 303, 307, 308];

let service: TestService;
let foreign: TestTarget;
let target: TestTarget;
beforeAll(async () => {
  service = await startTestService();
  foreign = await startTarget();
  target = await startTarget(({ url = "" }, response) => {
    // Another name than the one by which the clients reach the service: they compare names.
    const location = `http://localhost:${foreign.port}/`;
    response.writeHead(Number(url.slice("/?".length)), { Location: location, URI: location }).end();
  });
});
afterAll(() => Promise.all([service.close(), foreign[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]));

const URLLIB = `
import sys, urllib.request
name, value, *urls = sys.argv[1:]
for url in urls:
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers={name: value})).read()
    except urllib.error.HTTPError:
        pass
`;

const FETCH = `
const [name, value, ...urls] = process.argv.slice(1);
for (const url of urls) await (await fetch(url, { headers: { [name]: value } })).text();
`;

const LWP = `
my ($name, $value, @urls) = @ARGV;
LWP::UserAgent->new->get($_, $name => $value) for @urls;
`;

interface Client {
  readonly name: string;
  readonly program: string;
  readonly args: (name: string, value: string, ...urls: readonly string[]) => readonly string[];
}

const CLIENTS: readonly Client[] = [
  {
    name: "curl -L",
    program: "curl",
    args: (name, value, ...urls) => ["-sL", "-H", `${name}: ${value}`, ...urls],
  },
  {
    name: "wget",
    program: "wget",
    args: (name, value, ...urls) => ["-qO-", `--header=${name}: ${value}`, ...urls],
  },
  { name: "urllib", program: "python3", args: (...args) => ["-c", URLLIB, ...args] },
  { name: "LWP", program: "perl", args: (...args) => ["-MLWP::UserAgent", "-e", LWP, ...args] },
  { name: "fetch", program: "node", args: (...args) => ["--input-type=module", "-e", FETCH, ...args] },
];

function basic(token: string): string {
  return `Basic ${Buffer.from(`any:${token}`).toString("base64")}`;
}

const HEADERS: readonly (readonly [string, (token: string) => string])[] = [
  ["Authorization", (token) => `Bearer ${token}`],
  ["Authorization", (token) => `token ${token}`],
  ["Authorization", basic],
  ["X-Api-Key", (token) => token],
  ["api-key", (token) => token],
  ["x-goog-api-key", (token) => token],
  ["X-Amz-Security-Token", (token) => token],
];

/** How many requests a client made to the foreign host with its token in this header, for all kinds of redirects. */
async function follow(
  { program, args }: Client,
  name: string,
  value: string,
  token: string,
): Promise<number> {
  const before = foreign.requests.length;
  const urls = STATUSES.map((status) => `${service.url}/?${status}`);
  await run(program, args(name, value, ...urls), { env: { PATH: env["PATH"] } });
  const made = foreign.requests.slice(before);
  for (const { rawHeaders } of made) {
    const shown = rawHeaders.join("\n");
    expect(shown).not.toContain(token);
    expect(shown).not.toContain(value);
  }
  return made.length;
}

test.each(CLIENTS)("$name never presents the token to the host of a redirect", async (client) => {
  const { token } = await exportTarget(service, { uri: target.url, allowQuery: true });
  for (const [name, value] of HEADERS) await follow(client, name, value(token), token);
});

test.each(CLIENTS)("$name never presents the token to the target itself", async (client) => {
  let location = "";
  await using own = await startTarget(({ url = "" }, response) => {
    const status = Number(url.slice("/?".length));
    response.writeHead(status === 0 ? 200 : status, { Location: location, URI: location }).end();
  });
  await using named = await startTestService({
    lookup: (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  const uri = `http://localhost:${own.port}/`;
  location = uri;
  const { token } = await exportTarget(named, { uri, allowQuery: true });
  for (const [name, value] of HEADERS) {
    const urls = STATUSES.map((status) => `${named.url}/?${status}`);
    await run(client.program, client.args(name, value(token), ...urls), { env: { PATH: env["PATH"] } });
    for (const { rawHeaders } of own.requests) {
      expect(rawHeaders.join("\n")).not.toContain(token);
      expect(rawHeaders.join("\n")).not.toContain(value(token));
    }
  }
  expect(own.requests.length).toBeGreaterThanOrEqual(HEADERS.length * STATUSES.length);
});

test("curl and fetch are redirected if their token is in Authorization, which they drop", async () => {
  const { token } = await exportTarget(service, { uri: target.url, allowQuery: true });
  for (const client of CLIENTS) {
    if (client.program !== "curl" && client.program !== "node") continue;
    for (const value of [`Bearer ${token}`, `token ${token}`, basic(token)])
      expect(await follow(client, "Authorization", value, token)).toBe(STATUSES.length);
    expect(await follow(client, "X-Api-Key", token, token)).toBe(0);
  }
});

/** git takes the host of a redirect of its first request for its server, if the rest of the URL is as it was. */
test("git never presents the token to the host of a redirect, by whichever way it has it", async () => {
  await using hostile = await startTarget(({ url = "" }, response) => {
    response.writeHead(200, { "Content-Type": "application/x-git-upload-pack-advertisement" });
    response.end(url.includes("/info/refs") ? REFERENCES : "");
  });
  await using server = await startTarget(({ url = "" }, response) => {
    const status = Number(/^\/(\d+)/.exec(url)?.[1]);
    response.writeHead(status, { Location: `http://localhost:${hostile.port}${url}` }).end();
  });
  const { token } = await exportTarget(service, { uri: server.url, allowPath: true, allowQuery: true });
  const { host } = new URL(service.url);
  for (const status of STATUSES) {
    for (const args of [
      ["ls-remote", `http://any:${token}@${host}/${status}/a.git`],
      [
        "-c",
        `http.extraHeader=Authorization: Bearer ${token}`,
        "ls-remote",
        `http://${host}/${status}/a.git`,
      ],
    ]) {
      const before = server.requests.length;
      const { code } = await run("git", args, { env: { PATH: env["PATH"], GIT_TERMINAL_PROMPT: "0" } });
      expect(code).not.toBe(0);
      expect(server.requests.length).toBeGreaterThan(before);
    }
  }
  expect(hostile.requests).toEqual([]);
});

/** What git's protocol of version 2 offers: git then asks for the references, with its credential. */
const REFERENCES = ["# service=git-upload-pack\n", "", "version 2\n", "ls-refs\n", ""]
  .map((line) => (line === "" ? "0000" : (line.length + 4).toString(16).padStart(4, "0") + line))
  .join("");
