import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("where public names lead to ports of this machine, its hosts file leads none of them elsewhere", async () => {
  const names = fileURLToPath(new URL("names.js", import.meta.url));
  const script =
    'import { readFile } from "node:fs/promises"; console.log(await readFile("/etc/hosts", "utf8"))';
  const words = ["--import", names, "--input-type=module", "--eval", script];
  expect((await promisify(execFile)(process.execPath, words)).stdout.trim()).toBe("");
});
