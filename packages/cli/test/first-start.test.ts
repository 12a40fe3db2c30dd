import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.ts";
import { environment } from "./support/program.ts";
import { openTerminal } from "../../testkit/src/pseudo-terminal.ts";
import { CTRL_C } from "./support/terminal.ts";

const MEMBRANE = fileURLToPath(new URL("../../service/bin/membrane.js", import.meta.url));

test("a first start in a terminal shows the capabilities once, and writes them to no file of the data directory", async () => {
  await using home = await temporaryDirectory();
  const data = join(home.path, "data");
  const args = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--authority", "localhost", "--no-tls"];
  const env = { ...environment(home.path), MEMBRANE_PROFILE: "false" };
  const serve = async (): Promise<string> => {
    using terminal = openTerminal(process.execPath, [MEMBRANE, ...args], env);
    await terminal.until('"msg":"ready"');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(0);
    return terminal.shown();
  };
  const shown = await serve();
  const names = Array.from(shown.matchAll(/^ {2}(\w+).* cpblty:\/\/localhost\/#CPBLTY1-[\w-]{86}\r?$/gm));
  expect(names.map(([, name]) => name)).toEqual(["create", "query", "deleteSelf", "provision"]);
  expect(await readdir(data)).not.toContain("first-capabilities.json");
  expect(await serve()).not.toContain("CPBLTY1-");
});

test("a service whose terminal is closed stops in order", async () => {
  await using home = await temporaryDirectory();
  const args = ["serve", "--data", join(home.path, "data"), "--listen", "127.0.0.1:0", "--no-tls"];
  const env = { ...environment(home.path), MEMBRANE_PROFILE: "false" };
  // The terminal closes with its shell, and its programs get SIGHUP. The log is written to a file.
  const log = join(home.path, "log");
  const script = `"$@" 2> ${log}; true`;
  const program = [process.execPath, MEMBRANE, ...args, "--authority", "localhost"];
  const terminal = openTerminal("bash", ["-c", script, "bash", ...program], env);
  const written = (): Promise<string> => readFile(log, "utf8").catch(() => "");
  await expect.poll(written).toContain('"msg":"ready"');
  terminal[Symbol.dispose]();
  await expect.poll(written).toContain('"msg":"stopped"');
});
