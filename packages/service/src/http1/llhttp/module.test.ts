import { expect, test } from "vitest";
import { PLAIN_MODULE, SIMD_MODULE, UnknownLlhttpError, loadModule } from "./module.ts";

test.each([SIMD_MODULE, PLAIN_MODULE])("$path is the module that the service was tested with", (file) => {
  expect(loadModule(file).length).toBeGreaterThan(50_000);
});

test("another module is an error that says which file it is and what was expected", () => {
  const file = { ...SIMD_MODULE, sha256: "00" };
  expect(() => loadModule(file)).toThrow(UnknownLlhttpError);
  expect(() => loadModule(file)).toThrow(
    `${SIMD_MODULE.path} must have the SHA-256 00, not ${SIMD_MODULE.sha256}: install the packages of package-lock.json`,
  );
});

test("a file without bytes is such an error too", () => {
  expect(() => loadModule({ path: "undici/lib/llhttp/constants.js", sha256: "00" })).toThrow(
    UnknownLlhttpError,
  );
});
