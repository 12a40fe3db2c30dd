import { randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import { startGitBackend } from "../support/git-backend.ts";
import { MORE_THAN_BUFFERED, expectCut, startStallingTarget } from "../support/stalling-target.ts";

/* git, unmodified, as docs/clients/git.md says. The server is git's own, which knows only the target's credential. */

const ROBOT = `Basic ${Buffer.from("robot:the-secret-of-the-robot").toString("base64")}`;

/** Of the server, below the home directory. */
const REPOSITORY = "server/my-project.git";

let machine: ClientMachine;
let backend: TestTarget;
let page: ClientPage;
beforeAll(async () => {
  page = await readClientPage("git", "git.example");
  machine = await startClientMachine((ca) => ({
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_SSL_CAINFO: ca,
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@example.com",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@example.com",
    // Without compression of the large files, which are random.
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.compression",
    GIT_CONFIG_VALUE_0: "0",
  }));
  const root = join(machine.home, "server");
  await mkdir(root);
  await git("init", "--quiet", "--bare", "--initial-branch=main", REPOSITORY);
  await git("init", "--quiet", "--initial-branch=main", "first");
  await git("-C", "first", "commit", "--quiet", "--allow-empty", "--message=first");
  await git("-C", "first", "push", "--quiet", join(root, "my-project.git"), "main");
  backend = await startGitBackend(root, ROBOT);
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), backend[Symbol.asyncDispose]()]));

async function git(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await machine.run("git", args);
  expect(code, stderr).toBe(0);
  return stdout;
}

test("git clones, pushes and fetches with a capability as its password, and neither after a revoke", async () => {
  const { token, revoke: end } = await grant(machine, page.exportBody(backend.url));
  const { code, stderr } = await machine.run("sh", ["-ec", page.block("sh", { ...machine, token })]);
  expect(code, stderr).toBe(0);
  // Over `http.postBuffer`, so that git sends it chunked, after a short request that finds out whether it may.
  const large = randomBytes(3 * 1_024 * 1_024);
  await writeFile(join(machine.home, "mine", "large"), large);
  await git("-C", "mine", "add", "large");
  await git("-C", "mine", "commit", "--quiet", "--message=large");
  await git("-C", "mine", "push", "--quiet", "origin", "HEAD:main");

  await git("clone", "--quiet", `https://git:${token}@${machine.authority}/my-project.git`, "theirs");
  expect(large.equals(await readFile(join(machine.home, "theirs", "large")))).toBe(true);
  await git("-C", "theirs", "fetch", "--quiet");
  expectOwnCredential(backend.requests, token, ["authorization", ROBOT]);

  const before = backend.requests.length;
  await revoke(machine, end);
  const after = await machine.run("git", ["-C", "theirs", "fetch"]);
  expect(after.code).not.toBe(0);
  expect(after.stderr).toContain("Authentication failed");
  expect(backend.requests.length).toBe(before);
});

test("git clones the one repository of a capability from the root of the authority, and reaches no other", async () => {
  const { token } = await grant(machine, page.exportBody(`${backend.url}my-project.git`));
  await git("clone", "--quiet", `https://git:${token}@${machine.authority}/`, "one");
  const other = `https://git:${token}@${machine.authority}/other.git`;
  const { code } = await machine.run("git", ["ls-remote", other]);
  expect(code).not.toBe(0);
});

test("git clones and does not push with a capability whose limits allow only reads", async () => {
  const reads = [
    { methods: ["GET"], paths: ["/my-project.git/info/refs"], query: { service: ["git-upload-pack"] } },
    { methods: ["POST"], paths: ["/my-project.git/git-upload-pack"] },
  ];
  const { token } = await grant(machine, {
    uri: backend.url,
    headers: { Authorization: ROBOT },
    allowPath: true,
    allowQuery: ["service"],
    limits: { requests: reads },
  });
  await git("clone", "--quiet", `https://git:${token}@${machine.authority}/my-project.git`, "read");
  await git("-C", "read", "commit", "--quiet", "--allow-empty", "--message=mine");
  const { code, stderr } = await machine.run("git", ["-C", "read", "push", "origin", "HEAD:main"]);
  expect(code).not.toBe(0);
  expect(stderr).toContain("403");
});

test("a revoke ends a clone in the middle of its pack, and git reports it", async () => {
  let posts = 0;
  // The first POST lists the refs.
  const picks = ({ method }: { readonly method?: string | undefined }) => method === "POST" && ++posts === 2;
  await using stalling = await startStallingTarget(backend, { picks, body: "download" });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  const url = `https://git:${token}@${machine.authority}/my-project.git`;
  const { stderr } = await expectCut(machine, stalling, end, machine.run("git", ["clone", url, "cut"]));
  expect(stderr).toContain("fatal:");
  await expect(readdir(join(machine.home, "cut"))).rejects.toThrow("ENOENT");
});

test("a revoke ends a push in the middle of its pack, and the server has nothing of it", async () => {
  const refs = await git("-C", REPOSITORY, "for-each-ref");
  // A chunked one follows a short request that finds out whether git may push.
  await using stalling = await startStallingTarget(backend, {
    picks: ({ method, headers }) => method === "POST" && headers["transfer-encoding"] === "chunked",
    body: "upload",
  });
  const { token, revoke: end } = await grant(machine, page.exportBody(stalling.url));
  await git("init", "--quiet", "--initial-branch=main", "pushed");
  await writeFile(join(machine.home, "pushed", "large"), randomBytes(MORE_THAN_BUFFERED));
  await git("-C", "pushed", "add", "large");
  await git("-C", "pushed", "commit", "--quiet", "--message=large");
  const url = `https://git:${token}@${machine.authority}/my-project.git`;
  const pushing = machine.run("git", ["-C", "pushed", "push", url, "HEAD:other"]);
  await expectCut(machine, stalling, end, pushing);
  expect(await git("-C", REPOSITORY, "for-each-ref")).toBe(refs);
});
