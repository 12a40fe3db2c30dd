import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a public name that is mapped to a port of this machine is not resolved from its hosts file", async () => {
  const names = fileURLToPath(new URL("names.js", import.meta.url));
  const script =
    'import { readFile } from "node:fs/promises"; console.log(await readFile("/etc/hosts", "utf8"))';
  const words = ["--import", names, "--input-type=module", "--eval", script];
  expect((await promisify(execFile)(process.execPath, words)).stdout.trim()).toBe("");
});
