import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createHostsReader, parseHosts } from "./hosts-file.ts";

test.each([
  ["one line", "10.0.0.1 a.example", { "a.example": ["10.0.0.1"] }],
  ["several names a line", "10.0.0.1\ta  b\tc\n", { a: ["10.0.0.1"], b: ["10.0.0.1"], c: ["10.0.0.1"] }],
  [
    "both families, and lines that name one again",
    "::1 a\n10.0.0.1 a b\n10.0.0.2 a",
    { a: ["::1", "10.0.0.1", "10.0.0.2"], b: ["10.0.0.1"] },
  ],
  ["the same line twice", "10.0.0.1 a a\n10.0.0.1 A", { a: ["10.0.0.1"] }],
  ["case, and the dot at the end", "10.0.0.1 A.Example.", { "a.example": ["10.0.0.1"] }],
  ["comments", "# 10.0.0.1 a\n10.0.0.2 b # c\n10.0.0.3 d#e\n#", { b: ["10.0.0.2"], d: ["10.0.0.3"] }],
  [
    "CRLF, indentation, empty lines",
    "\r\n  10.0.0.1 a\r\n\r\n\t10.0.0.2 b\r\n",
    { a: ["10.0.0.1"], b: ["10.0.0.2"] },
  ],
  ["what is not an address", "10.0.0 a\n010.0.0.1 b\nexample c\n10.0.0.1/8 d\n10.0.0.1", {}],
  [
    "names that are properties of every object",
    "10.0.0.1 constructor __proto__",
    { constructor: ["10.0.0.1"], ["__proto__"]: ["10.0.0.1"] },
  ],
  ["nothing", "", {}],
])("%s: each name has the addresses written for it", (_what, text, expected) => {
  expect([...parseHosts(text)]).toEqual(Object.entries(expected));
});

test("the file is read again once it was changed, replaced, or made, and not before", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "hosts");
  const hosts = createHostsReader(path);
  expect(await hosts()).toEqual(new Map());
  await writeFile(path, "10.0.0.1 a");
  const first = await hosts();
  expect(first).toEqual(new Map([["a", ["10.0.0.1"]]]));
  expect(await hosts()).toBe(first);
  await writeFile(path, "10.0.0.12 a");
  expect(await hosts()).toEqual(new Map([["a", ["10.0.0.12"]]]));
  await writeFile(`${path}.new`, "10.0.0.13 a");
  await rename(`${path}.new`, path);
  expect(await hosts()).toEqual(new Map([["a", ["10.0.0.13"]]]));
  await rm(path);
  expect(await hosts()).toEqual(new Map());
});

test("a file that exists and cannot be read is not treated as empty: the lookup fails", async () => {
  await using directory = await temporaryDirectory();
  await expect(createHostsReader(directory.path)()).rejects.toMatchObject({ code: "EISDIR" });
});
