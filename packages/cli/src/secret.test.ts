import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.ts";
import { CliError } from "./errors/cli-error.ts";
import { createSecretReader } from "./secret.ts";

const NOTHING = new PassThrough().end();

async function readFrom(bytes: string | Buffer): Promise<string> {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "secret");
  await writeFile(path, bytes);
  return await createSecretReader(NOTHING).read("--x", `@${path}`);
}

test("a value that does not begin with @ is the secret itself", async () => {
  const reader = createSecretReader(NOTHING);
  expect(await reader.read("--x", "plain @text")).toBe("plain @text");
  expect(await reader.read("--x", "")).toBe("");
});

test("the secret in a file is its text without one line break at its end", async () => {
  expect(await readFrom("secret")).toBe("secret");
  expect(await readFrom("secret\n")).toBe("secret");
  expect(await readFrom("secret\r\n")).toBe("secret");
  expect(await readFrom("secret\n\n")).toBe("secret\n");
  expect(await readFrom(" two\nlines ")).toBe(" two\nlines ");
  expect(await readFrom("\u{FEFF}secret")).toBe("secret");
});

test("standard input is read in pieces of any size", async () => {
  const input = Readable.from([
    Buffer.from("s\u00e9cr").subarray(0, 2),
    Buffer.from("s\u00e9cr").subarray(2),
  ]);
  expect(await createSecretReader(input).read("--x", "@-")).toBe("s\u00e9cr");
});

test("at most one option reads standard input, and the error for the second names the first", async () => {
  const reader = createSecretReader(Readable.from(["secret"]));
  await reader.read("--first", "@-");
  await expect(reader.read("--second", "@-")).rejects.toThrow(
    "--second: --first already reads standard input",
  );
  expect(() => reader.claimStdin("--data")).toThrow(CliError);
});

test.each<[string, string | Buffer, string]>([
  ["is empty", "", "is empty"],
  ["is only a line break", "\n", "is empty"],
  ["is not text", Buffer.from([0xff, 0xfe, 0x00]), "is not text in UTF-8"],
  ["is over 1 MiB", "x".repeat((1 << 20) + 1), "is over 1 MiB"],
])("a file that %s is refused", async (_what, bytes, message) => {
  const refusal = await readFrom(bytes).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(CliError);
  expect(String(refusal)).toContain(message);
});

test("input without an end is refused and not collected", async () => {
  const endless = Readable.from(
    (function* endlessly() {
      for (;;) yield Buffer.alloc(1 << 16, "x");
    })(),
  );
  await expect(createSecretReader(endless).read("--x", "@-")).rejects.toThrow("is over 1 MiB");
});

test("the error for a missing file or a directory names it and the option", async () => {
  await using directory = await temporaryDirectory();
  const reader = createSecretReader(NOTHING);
  await expect(reader.read("--x", `@${directory.path}/none`)).rejects.toThrow(
    `--x: ${directory.path}/none cannot be read: no such file`,
  );
  await expect(reader.read("--x", `@${directory.path}`)).rejects.toThrow("it is a directory");
  await expect(reader.read("--x", "@")).rejects.toThrow(CliError);
});
