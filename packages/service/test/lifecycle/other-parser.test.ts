import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { TestDataDirectory } from "../../../testkit/src/data-directory.ts";
import { runToItsEnd, spawnService } from "../../../testkit/src/process.ts";
import { TEST_AUTHORITY } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { PLAIN_MODULE, SIMD_MODULE } from "../../src/http1/llhttp/module.ts";

const SERVE = ["serve", "--listen", "127.0.0.1:0", "--authority", TEST_AUTHORITY, "--no-tls"];

let data: TestDataDirectory;
/** Options of Node.js that make the program find an undici with another build of llhttp, which works as well. */
let NODE_OPTIONS: string;

beforeAll(async () => {
  data = await initDataDirectory();
  const preload = join(data.path, "other-parser.cjs");
  await writeFile(
    preload,
    `const Module = require("node:module");
     const required = Module.createRequire(${JSON.stringify(import.meta.url)});
     const EMPTY_CUSTOM_SECTION = Buffer.from([0, 2, 1, 0x61]);
     for (const path of ${JSON.stringify([SIMD_MODULE.path, PLAIN_MODULE.path])}) {
       const other = new Module(required.resolve(path));
       other.exports = Buffer.concat([required(path), EMPTY_CUSTOM_SECTION]);
       Module._cache[other.id] = Object.assign(other, { filename: other.id, loaded: true });
     }`,
  );
  NODE_OPTIONS = `--require ${preload}`;
});

afterAll(() => data[Symbol.asyncDispose]());

test("with another llhttp than the one that was tested, the service serves over Node's server and undici's client", async () => {
  await using target = await startTarget();
  const flags = ["--http-server", "node", "--upstream-client", "undici"];
  await using service = await spawnService(data.path, { flags, env: { NODE_OPTIONS } });
  const membrane = await createMembrane(service, data.tokens.create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  expect(await call(service, token)).toMatchObject({ status: 200 });
});

test.each([
  ["server", ["--http-server", "native", "--upstream-client", "undici"]],
  ["client", ["--http-server", "node", "--upstream-client", "native"]],
])(
  "with another llhttp, the service's own %s refuses to start, and says what to install",
  async (_what, flags) => {
    const { code, stderr } = await runToItsEnd([...SERVE, "--data", data.path, ...flags], { NODE_OPTIONS });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^membrane: undici\/lib\/llhttp\/llhttp\S* must have the SHA-256 \S+, not \S+: install the packages of package-lock\.json$/m,
    );
  },
);
