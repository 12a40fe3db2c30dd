import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { runScript } from "./support/run-script.ts";

const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

test("require and import return the same class, and the named exports are its statics", async () => {
  const source = `
    import CapabilitySDK, * as named from "capability-sdk";
    import { createRequire } from "node:module";
    const required = createRequire(import.meta.url)("capability-sdk");
    console.log(JSON.stringify([
      required === CapabilitySDK,
      typeof required,
      ["CapabilityError", "Membrane", "fetch", "request", "requestReply", "version"]
        .filter((name) => named[name] === undefined || named[name] !== CapabilitySDK[name]),
    ]));
  `;
  const result = await runScript(source, { type: "module" });
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(result.stdout)).toEqual([true, "function", []]);
});

const LOADING = `
  const made = CapabilitySDK.Membrane();
  console.log(CapabilitySDK.version, CapabilitySDK().version, made instanceof CapabilitySDK.Membrane);
`;

test.each([
  ["commonjs", `const CapabilitySDK = require("capability-sdk"); ${LOADING}`],
  ["module", `import CapabilitySDK from "capability-sdk"; ${LOADING}`],
] as const)("a program of type %s has the version of package.json and works", async (type, source) => {
  const stdout = `${manifest.version} ${manifest.version} true\n`;
  expect(await runScript(source, { type })).toEqual({ code: 0, stdout, stderr: "" });
});

test("modules that the package does not export cannot be imported", async () => {
  const result = await runScript('import "capability-sdk/dist/trust.js";', { type: "module" });
  expect(result.stderr).toContain("ERR_PACKAGE_PATH_NOT_EXPORTED");
});

test("a program that only imports the package ends without further action", async () => {
  const source = `
    const CapabilitySDK = require("capability-sdk");
    new CapabilitySDK.Membrane();
    console.log(process.getActiveResourcesInfo().length);
  `;
  expect(await runScript(source, { type: "commonjs" })).toMatchObject({ code: 0, stdout: "0\n" });
});
