import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../../../testkit/src/run.ts";

const cwd = fileURLToPath(new URL("../../../..", import.meta.url));

test("shellcheck warns of nothing in a shell script of this repository", async () => {
  const listed = await run("git", ["grep", "--untracked", "-Il", "-E", "^#!.*sh$"], {
    env: process.env,
    cwd,
  });
  const scripts = listed.stdout.trim().split("\n");
  expect(scripts).toContain("deploy/systemd/membrane-admin");
  expect(scripts).toContain("packages/testkit/src/boot-system.sh");
  const { stdout } = await run("shellcheck", ["--severity=warning", ...scripts], { env: process.env, cwd });
  expect(stdout).toBe("");
});
