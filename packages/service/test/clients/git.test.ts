import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import { startGitBackend } from "../support/git-backend.ts";

/* git, unmodified, as docs/clients/git.md says. The server is git's own, which knows only the target's credential. */

const ROBOT = `Basic ${Buffer.from("robot:the-secret-of-the-robot").toString("base64")}`;

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
  }));
  const root = join(machine.home, "server");
  await mkdir(root);
  await git("init", "--quiet", "--bare", "--initial-branch=main", join(root, "my-project.git"));
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
