import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Authority } from "capability-protocol";
import { parseAuthority } from "capability-protocol";
import type { Profile } from "capability-sdk/profiles";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { CliError } from "../errors/cli-error.ts";
import { readCa as read } from "./trusted-ca.ts";

const AUTHORITY = parseAuthority("A.test:443")!;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cas: readonly string[];
beforeAll(async () => {
  directory = await temporaryDirectory();
  cas = await Promise.all([0, 1, 2].map(async () => (await makeCertificate("a.test")).ca));
});
afterAll(() => directory[Symbol.asyncDispose]());

async function file(text: string): Promise<string> {
  const path = join(directory.path, "file");
  await writeFile(path, text);
  return path;
}

function readCa(
  files: { trustedCaFile?: string; caFile?: string },
  saved: Profile | undefined,
  authority: Authority,
) {
  return read({ trustedCaFile: undefined, caFile: undefined, ...files }, saved, authority);
}

function profile(trustedCA: Record<string, string>) {
  return { name: "p", capabilities: {}, trustedCA };
}

test("the CA file has precedence over the file of authorities, and that over the profile", async () => {
  const [ofProfile = "", ofFile = "", given = ""] = cas;
  const saved = profile({ "b.test": given, "a.TEST": ofProfile });
  const trustedCaFile = await file(JSON.stringify({ "b.test": given, "A.TEST:443": ofFile }));
  const caFile = join(directory.path, "ca.pem");
  await writeFile(caFile, given);
  expect(await readCa({ trustedCaFile, caFile }, saved, AUTHORITY)).toBe(given);
  expect(await readCa({ trustedCaFile }, saved, AUTHORITY)).toBe(ofFile);
  expect(await readCa({}, saved, AUTHORITY)).toBe(ofProfile);
  expect(await readCa({}, undefined, AUTHORITY)).toBeUndefined();
});

test("a file of authorities may begin with a byte order mark", async () => {
  const [pem = ""] = cas;
  const trustedCaFile = await file(`\ufeff${JSON.stringify({ "a.test": pem })}`);
  expect(await readCa({ trustedCaFile }, undefined, AUTHORITY)).toBe(pem);
});

test("entries for other authorities, and names that are not authorities, do not matter", async () => {
  const saved = profile({ "https://a.test/": cas[0]!, "a.test:8443": cas[0]!, "b.test": "no PEM" });
  const trustedCaFile = await file(JSON.stringify({ "b.test": cas[0]! }));
  expect(await readCa({ trustedCaFile }, saved, AUTHORITY)).toBeUndefined();
});

test("the error names the profile whose value for the authority is not a certificate", async () => {
  await expect(readCa({}, profile({ "a.test": "no PEM" }), AUTHORITY)).rejects.toThrow(
    'profile "p": the CA for A.test:443 is not a certificate in PEM',
  );
});

test.each([
  ["no JSON", "not a JSON object"],
  ["[]", "not a JSON object"],
  ["null", "not a JSON object"],
  ['{"https://a.test/": "x"}', "one of its names is not an authority"],
  ['{"a.test": "x"}', "the value for a.test is not a certificate"],
  ['{"a.test": 1}', "the value for a.test is not a certificate"],
])("a file of authorities with %s is refused", async (text, message) => {
  const refusal = await readCa({ trustedCaFile: await file(text) }, undefined, AUTHORITY).catch(
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(CliError);
  expect(String(refusal)).toContain("--trustedCA-file-path: ");
  expect(String(refusal)).toContain(message);
});

test("the error for a missing file, or one without a certificate, names the option", async () => {
  const none = join(directory.path, "none");
  await expect(readCa({ trustedCaFile: none }, undefined, AUTHORITY)).rejects.toThrow(
    `--trustedCA-file-path: ${none} cannot be read`,
  );
  await expect(readCa({ trustedCaFile: directory.path }, undefined, AUTHORITY)).rejects.toMatchObject({
    message: `--trustedCA-file-path: ${directory.path} cannot be read: it is a directory`,
    hint: expect.stringContaining("--cacert FILE"),
  });
  for (const [caFile, why] of [
    [none, "no such file"],
    [directory.path, "it is a directory"],
  ] as const) {
    await expect(readCa({ caFile }, undefined, AUTHORITY)).rejects.toThrow(
      `--cacert: expected the path of a file of PEM certificates, without ~; ${why}`,
    );
  }
  await expect(readCa({ caFile: await file("x") }, undefined, AUTHORITY)).rejects.toThrow(
    "--cacert: expected",
  );
});
