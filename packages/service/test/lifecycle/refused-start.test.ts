import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeColumns, decodeColumns } from "../../src/store/codec/columns.ts";
import { createKeyring } from "../../src/store/keys.ts";
import { StoreCorruptError, StoreFormatError } from "../../src/store/store.ts";
import { readServiceKeyFile, ServiceKeyFileError } from "../../src/store/service-key-file.ts";
import { call, createMembrane } from "../../../testkit/src/client.ts";
import { openTestData } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import { startTestService } from "../../../testkit/src/service.ts";

const FORMAT = Buffer.from("format");

/** Makes a data directory that was in use, with a token that works in it. */
async function used() {
  const directory = await temporaryDirectory();
  await using service = await startTestService({ directory: directory.path });
  const membrane = await createMembrane(service, service.tokens.create, "m");
  return {
    path: directory.path,
    keyFile: join(directory.path, "service.key"),
    token: membrane.export,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

async function open(data: string): Promise<void> {
  const opened = await openTestData(data);
  await opened.store.close();
}

async function expectStillThere({ path, token }: Awaited<ReturnType<typeof used>>): Promise<void> {
  await using service = await startTestService({ directory: path });
  expect(await call(service, token)).toMatchObject({ status: 405 });
}

test("another service key is refused, and the store is not changed", async () => {
  await using data = await used();
  const key = await readFile(data.keyFile);
  await writeFile(data.keyFile, `${randomBytes(32).toString("hex")}\n`);
  const error = await open(data.path).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(StoreFormatError);
  expect(error).toMatchObject({
    message:
      "the service key is not the one this store was made with: restore that one, copy it from another node, or name it with --service-key-file",
  });
  await writeFile(data.keyFile, key);
  await expectStillThere(data);
});

test("a store without its service key is refused, and no new key is made", async () => {
  await using data = await used();
  const key = await readFile(data.keyFile);
  await rm(data.keyFile);
  const error = await open(data.path).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(ServiceKeyFileError);
  expect(error).toMatchObject({
    message: expect.stringMatching(
      /service\.key: is missing\. .*restore it, or name it with --service-key-file/,
    ),
  });
  await expect(readFile(data.keyFile)).rejects.toThrow(/ENOENT/);
  await writeFile(data.keyFile, key);
  await expectStillThere(data);
});

test.each([
  "",
  "\n",
  "00".repeat(31),
  "00".repeat(33),
  "0G".repeat(32),
  "AB".repeat(32),
  `${"00".repeat(32)}\n\n`,
])("a key file with %j is refused, and the message does not repeat it", async (text) => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "service.key");
  await writeFile(file, text);
  const error = await readServiceKeyFile(file).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(ServiceKeyFileError);
  expect(error).toMatchObject({
    message: expect.stringMatching(/service\.key: line \d: expected 64 lower-case hex digits, a service key/),
  });
});

test("a store of a newer format is refused, and the message says what to use instead", async () => {
  await using data = await used();
  {
    await using raw = await openRawStore(data.path);
    const row = (await raw.rows("meta")).find(({ key }) => key.equals(FORMAT))!;
    const [, ...rest] = decodeColumns(row.value.subarray(0, -32));
    const body = encodeColumns([Buffer.from([5]), ...rest]);
    // Written like the newer program, with its MAC.
    const keys = createKeyring(await readServiceKeyFile(data.keyFile));
    const mac = keys.rowMac(encodeColumns([Buffer.from("meta"), FORMAT, body]));
    await raw.write("meta", FORMAT, Buffer.concat([body, mac]));
  }
  const error = await open(data.path).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(StoreFormatError);
  expect(error).toMatchObject({
    message:
      "the store has format 5, this program reads formats up to 4: use the program that wrote it, or a newer one",
  });
});

test("with any damage to the row of the format, the start is refused: the store is not treated as an empty one", async () => {
  await using data = await used();
  await using raw = await openRawStore(data.path);
  const original = (await raw.rows("meta")).find(({ key }) => key.equals(FORMAT))!.value;
  const flips = [...original.keys()].map((byte) => {
    const copy = Buffer.from(original);
    copy[byte]! ^= 0x80;
    return copy;
  });
  const values = [...flips, undefined, Buffer.alloc(0), Buffer.alloc(32), original.subarray(32)];
  for (const [index, value] of values.entries()) {
    await raw.write("meta", FORMAT, value);
    const error = await open(data.path).catch((refusal: unknown) => refusal);
    const isRefusal = error instanceof StoreFormatError || error instanceof StoreCorruptError;
    expect(isRefusal, `${index}: ${String(error)}`).toBe(true);
  }
  await raw.write("meta", FORMAT, original);
  await expectStillThere(data);
});
