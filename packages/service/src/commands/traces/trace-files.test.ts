import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { parseHeaderLines, readTraceFiles } from "./trace-files.ts";

test("headers are lines of names and values, between empty lines and comments", () => {
  expect(
    parseHeaderLines("# of the collector\n\nAuthorization: Bearer a:b\r\n x-tenant :one \n"),
  ).toBeUndefined();
  expect(parseHeaderLines("# of the collector\n\nAuthorization: Bearer a:b\r\n x-tenant:one \n")).toEqual({
    authorization: "Bearer a:b",
    "x-tenant": "one",
  });
  expect(parseHeaderLines("")).toEqual({});
});

test.each([
  "Bearer a",
  ": a",
  "a:",
  "a b: c",
  "a: b\na: c",
  "A: b\na: c",
  "a: b\u0001",
  "a: \u20ac",
  "Host: a",
  "Content-Type: text/plain",
  "content-length: 1",
  "Transfer-Encoding: chunked",
  "Connection: x",
  "User-Agent: x",
  "Content-Encoding: gzip",
  "Expect: 100-continue",
  "Trailer: x",
  "Upgrade: x",
])("%j is refused", (text) => {
  expect(parseHeaderLines(text)).toBeUndefined();
});

test("a file that cannot be used is named, and nothing that is in it", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "file");
  const config = { endpoint: new URL("https://a.test/v1/traces"), share: 1 };
  await expect(readTraceFiles({ ...config, headersFile: file })).rejects.toThrow(
    `--otlp-headers-file: ${file} cannot be read`,
  );
  await expect(readTraceFiles({ ...config, caFile: file })).rejects.toThrow(
    `--otlp-ca: ${file} cannot be read`,
  );
  await writeFile(file, "canary");
  const refused = await readTraceFiles({ ...config, headersFile: file }).catch(String);
  expect(refused).toMatch(/^ConfigError: --otlp-headers-file: .* has another line than headers/);
  expect(refused).not.toContain("canary");
  await expect(readTraceFiles({ ...config, caFile: file })).rejects.toThrow("is not a CA certificate in PEM");
  const { ca } = await makeCertificate("a.test");
  await writeFile(file, ca);
  expect(await readTraceFiles({ ...config, caFile: file })).toEqual({ headers: {}, ca });
});
