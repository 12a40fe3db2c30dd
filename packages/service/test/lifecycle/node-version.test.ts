import { cp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { run } from "../../../testkit/src/run.ts";

const PACKAGES = fileURLToPath(new URL("../../..", import.meta.url));
const PROGRAMS = [
  ["membrane", "service"],
  ["capi", "cli"],
] as const;

const require = createRequire(import.meta.url);

test.each([
  ["v20.19.0", undefined],
  ["v20.19.0-rc.1", undefined],
  ["v22.1.0", undefined],
  ["v26.0.0-nightly", undefined],
  ["v20.18.9", "Node.js v20.18.9 is too old: install 20.19 or newer"],
  ["v18.20.8", "Node.js v18.20.8 is too old: install 20.19 or newer"],
  ["v0.10.48", "Node.js v0.10.48 is too old: install 20.19 or newer"],
  ["something else", undefined],
])("both programs check Node.js %s with the result: %s", (version, expected) => {
  for (const [, folder] of PROGRAMS) {
    const { complaint } = require(join(PACKAGES, folder, "bin/node-version.js"));
    expect(complaint(version, ">=20.19")).toBe(expected);
  }
});

test.each(PROGRAMS)(
  "%s reports in one line that Node.js is too old, before it loads any module",
  async (name, folder) => {
    await using directory = await temporaryDirectory();
    const pretend = join(directory.path, "pretend.cjs");
    await writeFile(
      pretend,
      `Object.defineProperty(process, "version", { value: "v18.20.8" });
     require("node:module").prototype.load = new Proxy(require("node:module").prototype.load, {
       apply(load, module, [file]) {
         if (/run\\.js$/.test(file)) throw new Error("loaded " + file);
         return Reflect.apply(load, module, [file]);
       },
     });`,
    );
    const program = join(PACKAGES, folder, "bin", `${name}.js`);
    expect(await run(process.execPath, ["--require", pretend, program, "--help"], { env: {} })).toEqual({
      code: 1,
      stdout: "",
      stderr: `${name}: Node.js v18.20.8 is too old: install 20.19 or newer\n`,
    });
  },
);

test.each(PROGRAMS)("%s reports in one line that it was not built, and what to do", async (name, folder) => {
  await using directory = await temporaryDirectory();
  await cp(join(PACKAGES, folder, "bin"), join(directory.path, "bin"), { recursive: true });
  await cp(join(PACKAGES, folder, "package.json"), join(directory.path, "package.json"));
  const program = join(directory.path, "bin", `${name}.js`);
  expect(await run(process.execPath, [program, "--help"], { env: {} })).toEqual({
    code: 1,
    stdout: "",
    stderr: `${name}: not built yet: install all with npm ci, or bring packages/*/dist of a built checkout\n`,
  });
});

test.each(PROGRAMS)("%s --version prints the version in its package.json", async (name, folder) => {
  const program = join(PACKAGES, folder, "bin", `${name}.js`);
  const { version } = JSON.parse(await readFile(join(PACKAGES, folder, "package.json"), "utf8"));
  for (const flag of ["--version", "-v"])
    expect(await run(process.execPath, [program, flag], { env: { HOME: "/nowhere" } })).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: "",
    });
});
