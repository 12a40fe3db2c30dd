import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { runScript } from "./support/run-script.ts";
import { startTlsService } from "./support/tls-service.ts";

const PACKAGES = fileURLToPath(new URL("../../", import.meta.url));
const BROWSER = new URL("../dist/browser.js", import.meta.url);

const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
const SPECIFIER = /\b(?:from|import)\s*\(?\s*(["'])(.*?)\1/g;
const NODE_ALONE = /\b(?:Buffer|process|require|module|global|__dirname|__filename|setImmediate)\b(?!["':])/;

/** Returns the code, without comments, of every module that the entry imports, by its path in `packages`. */
async function modulesFrom(entry: URL): Promise<ReadonlyMap<string, string>> {
  const modules = new Map<string, string>();
  const waiting = [entry];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    const path = relative(PACKAGES, fileURLToPath(url));
    if (modules.has(path)) continue;
    const code = (await readFile(url, "utf8")).replaceAll(COMMENT, "");
    modules.set(path, code);
    for (const [, , specifier] of code.matchAll(SPECIFIER)) {
      expect(specifier, path).toMatch(/^(?:\.\.?\/|capability-protocol(?:\/[a-z-]+)?$)/);
      const resolved = specifier!.startsWith(".")
        ? new URL(specifier!, url)
        : pathToFileURL(createRequire(url).resolve(specifier!));
      waiting.push(resolved);
    }
  }
  return modules;
}

test("modules for browsers import no builtin of Node and no other package, and use no global of Node", async () => {
  const modules = await modulesFrom(BROWSER);
  for (const [path, code] of modules) expect(code, path).not.toMatch(NODE_ALONE);
  expect([...modules.keys()]).toEqual(
    expect.arrayContaining([
      "sdk/dist/browser.js",
      "sdk/dist/fetch.js",
      "sdk/dist/membrane-client.js",
      "protocol/dist/index.js",
      "protocol/dist/uri.js",
    ]),
  );
});

test("the same search finds the builtins of Node in the entry for Node", async () => {
  await expect(modulesFrom(new URL("../dist/index.js", import.meta.url))).rejects.toThrow("node:");
  for (const code of ["Buffer.from(x)", "process.env", "x = require(y)"]) expect(code).toMatch(NODE_ALONE);
});

const PROGRAM = `
  import CapabilitySDK, * as named from "capability-sdk";
  const { CREATE, DELETE_SELF } = process.env;
  const membrane = CapabilitySDK.Membrane();
  const { id, capabilities } = await membrane.create(CREATE, { id: "from a browser" });
  console.log(id, Object.keys(capabilities));
  console.log(await membrane.create(CREATE, { id }).catch(({ code }) => code));
  console.log((await CapabilitySDK.fetch(capabilities.revoke)).status);
  console.log(await membrane.deleteSelf(DELETE_SELF));
  console.log(typeof CapabilitySDK.request, typeof named.requestReply);
  console.log(await membrane.revoke("cpblty://localhost:1/" + CREATE.slice(CREATE.indexOf("#"))).catch(({ code }) => code));
  try {
    CapabilitySDK.Membrane({ tls: { trustedCA: { localhost: "-----BEGIN CERTIFICATE-----" } } });
  } catch ({ message }) {
    console.log(message);
  }
  membrane.create(CREATE, { id }, (error) => console.log(error.statusCode, error.code));
`;

test("the entry for browsers has the same operations, over fetch, with the CAs of the platform", async () => {
  await using tls = await startTlsService();
  const result = await runScript(PROGRAM, {
    type: "module",
    flags: ["--conditions=browser"],
    extraCa: tls.ca,
    env: { CREATE: tls.create, DELETE_SELF: tls.deleteSelf },
  });
  expect(result.stderr).toBe("");
  expect(result.stdout.trimEnd().split("\n")).toEqual([
    "from a browser [ 'export', 'revoke' ]",
    "membrane_exists",
    "202",
    "{ statusCode: 202, message: 'Accepted' }",
    "undefined undefined",
    "request_failed",
    "tls.trustedCA: expected no value in a browser",
    "401 unauthorized",
  ]);
});
