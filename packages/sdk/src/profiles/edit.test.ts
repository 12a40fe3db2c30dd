import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { parseProfileDocuments, setValues, removeDocuments } from "./edit.ts";

const file = (text: string, keyPath = ["membrane", "capabilities"]) => ({ path: "/x/file", text, keyPath });
const put = (text: string, name: string, values: Record<string, string>) =>
  setValues(file(text), name, new Map(Object.entries(values)));

const FIRST = `# my profiles
---
# the first
profile:   a     # spaced
membrane:
      region:   'r'
      ports: [1,2]
# after a
`;
const SECOND = `---
profile: b # two
membrane:
  # why
  region: r # here
  capabilities:
    create: "old" # made in May
    other: kept
# after b
`;
const THIRD = `---
{profile: c,   membrane: {capabilities:   {create: 'c'}}}

# the end`;

test("a changed document keeps its other keys and comments, and the rest of the file stays byte for byte", () => {
  expect(put(FIRST + SECOND + THIRD, "b", { create: "new", query: "q" })).toBe(
    `${FIRST}---
profile: b # two
membrane:
  # why
  region: r # here
  capabilities:
    create: "new" # made in May
    other: kept
    query: q

# after b
${THIRD}`,
  );
});

test("parts of the changed document that the YAML writer formats in another style have the same meaning", () => {
  expect(put(FIRST + SECOND, "a", { create: "new" })).toBe(
    `# my profiles
---
# the first
profile: a # spaced
membrane:
  region: 'r'
  ports: [ 1, 2 ]
  capabilities:
    create: new

# after a
${SECOND}`,
  );
});

test("a new profile is appended after a marker, whatever the file ended with", () => {
  const added = "---\nprofile: d\nmembrane:\n  capabilities:\n    create: x\n";
  expect(put("", "d", { create: "x" })).toBe(added);
  expect(put(FIRST, "d", { create: "x" })).toBe(FIRST + added);
  expect(put(THIRD, "d", { create: "x" })).toBe(`${THIRD}\n${added}`);
  expect(put("# nothing yet", "d", { create: "x" })).toBe(`# nothing yet\n${added}`);
  expect(put("\uFEFFprofile: a\r\n", "d", { create: "x" })).toBe(`\uFEFFprofile: a\r\n${added}`);
});

test("a new name is quoted if a YAML parser could read it as anything other than text", () => {
  for (const name of ["yes", "null", "2001-01-01", "1.5", "0x1F"]) {
    expect(put("", name, {})).toBe(`---\nprofile: "${name}"\n`);
  }
});

test("a text in which nothing changes is returned unchanged", () => {
  expect(put(FIRST + SECOND + THIRD, "c", { create: "c" })).toBe(FIRST + SECOND + THIRD);
  expect(put(FIRST, "a", {})).toBe(FIRST);
  expect(removeDocuments(file(FIRST), "b")).toBe(FIRST);
});

test("numbers in the changed document keep their spelling, with leading zeros and all digits", () => {
  const spelled = `profile: a
account: 012345678901
big: 12345678901234567890
version: [ 1.10, 1e3, +5, .5, 5., 0xFFFFFFFFFFFFFFFFFFFF, 0o17, 1E400, -0 ]
tagged: !!int 007
others: { t: True, n: NULL, nothing: ~, empty:, nan: .NaN }
`;
  expect(put(spelled, "a", { create: "x" })).toBe(`${spelled}membrane:\n  capabilities:\n    create: x\n`);
});

test("an empty document before the changed one is not merged with it", () => {
  expect(put("---\n---\nprofile: a\n", "a", { create: "x" })).toBe(
    "---\n---\nprofile: a\nmembrane:\n  capabilities:\n    create: x\n",
  );
});

test("an empty key on the path gets a value", () => {
  expect(put("profile: a\nmembrane:\n", "a", { create: "x" })).toBe(
    "profile: a\nmembrane:\n  capabilities:\n    create: x\n",
  );
});

test("a long value is never folded", () => {
  const long = `cpblty://a/#${"word ".repeat(60)}x`;
  expect(put("", "a", { create: long })).toContain(`create: ${long}\n`);
});

test("a document is removed with its comments, and the head of the file and the other documents are unchanged", () => {
  const text = FIRST + SECOND + THIRD;
  expect(removeDocuments(file(text), "a")).toBe(`# my profiles\n${SECOND}${THIRD}`);
  expect(removeDocuments(file(text), "b")).toBe(FIRST + THIRD);
  expect(removeDocuments(file(text), "c")).toBe(FIRST + SECOND);
  expect(removeDocuments(file("profile: a"), "a")).toBe("");
});

describe("two documents with the same name", () => {
  const text = FIRST + SECOND + SECOND;

  test("cannot be changed, since parsers differ in which they use", () => {
    expect(() => put(text, "b", { create: "x" })).toThrow(
      expect.objectContaining({
        code: "duplicate_profile",
        message: expect.stringMatching(/^\/x\/file: line 19: /),
      }),
    );
  });

  test("are removed together, since the second would otherwise take effect", () => {
    expect(removeDocuments(file(text), "b")).toBe(FIRST);
  });
});

describe("YAML that only a person can change is not changed:", () => {
  const refused = expect.objectContaining({ code: "unchangeable_document" });

  test("a value with an anchor, which would also change wherever an alias repeats it", () => {
    const text = "---\nprofile: a\nmembrane: {capabilities: {create: &x one}, note: *x}\n";
    expect(() => put(text, "a", { create: "two" })).toThrow(refused);
    expect(put(`${text}---\nprofile: b\n`, "b", { create: "two" })).toContain(text);
  });

  test("a document without a marker, which would be merged with the one before", () => {
    const text = "---\nprofile: a\n---\nprofile: b\n...\nprofile: c\n";
    expect(() => removeDocuments(file(text), "b")).toThrow(refused);
  });
});

test("a malformed file is not changed, and the error shows nothing of it", () => {
  const text = 'profile: a\nmembrane: "CANARY';
  for (const edit of [
    () => parseProfileDocuments(file(text)),
    () => put(text, "b", { create: "x" }),
    () => removeDocuments(file(text), "a"),
  ]) {
    expect(edit).toThrow(
      expect.objectContaining({
        code: "malformed_file",
        message: "/x/file: line 2: expected well-formed YAML",
      }),
    );
  }
});

test("all other data in a profile and in the profiles around it is the same after a change", () => {
  const other = fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { noNullPrototype: true });
  const style = fc.record({
    indent: fc.integer({ min: 1, max: 6 }),
    lineWidth: fc.constantFrom(0, 30),
    defaultStringType: fc.constantFrom("PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE", "BLOCK_FOLDED"),
    collectionStyle: fc.constantFrom("any", "flow"),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(other, style), { minLength: 1, maxLength: 3 }), fc.nat(), (all, which) => {
      const index = which % all.length;
      const given = all.map(
        ([more, style], i) =>
          [{ ...more, profile: `p${i}`, membrane: { more: structuredClone(more) } }, style] as const,
      );
      const texts = given.map(([data, style]) => `---\n${stringify(data, style)}`);
      const changed = put(texts.join(""), `p${index}`, { create: "x" });
      const data = parseAllDocuments(changed).map((document) => document.toJS({ mapAsMap: true }) as unknown);
      const expected = texts.map(
        (text) => parse(text, { mapAsMap: true }) as Map<string, Map<string, unknown>>,
      );
      expected[index]!.get("membrane")!.set("capabilities", new Map([["create", "x"]]));
      expect(data).toEqual(expected);
      expect(changed.startsWith(texts.slice(0, index).join(""))).toBe(true);
      expect(changed.endsWith(texts.slice(index + 1).join(""))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

const port = fc.integer({ min: 1, max: 65_535 });
const authority = fc.oneof(
  fc.tuple(fc.domain(), port).map(([host, number]) => `${host}:${number}`),
  fc.tuple(fc.ipV6(), port).map(([host, number]) => `[${host}]:${number}`),
  fc.tuple(fc.ipV4(), port).map(([host, number]) => `${host}:${number}`),
  fc.constantFrom(
    "localhost",
    "1.2",
    "10:20",
    "[::1]:8443",
    "__proto__",
    "constructor",
    "yes",
    "null",
    "~",
    "",
  ),
);
const pem = fc
  .tuple(
    fc.array(fc.base64String({ minLength: 4, maxLength: 64 }), { maxLength: 8 }),
    fc.constantFrom("\n", "\r\n", ""),
  )
  .map(
    ([lines, end]) => ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----"].join("\n") + end,
  );
const uri = fc.base64String({ maxLength: 90 }).map((text) => `cpblty://localhost:8443/#CPBLTY1-${text}`);
const anyText = fc.string({ unit: "binary", maxLength: 40 });
const value = fc.oneof(
  pem,
  uri,
  anyText,
  fc.constantFrom("", " x ", "a: b", "# c", "- d", "a\n---\nb", "x\n\n \n"),
);
const key = fc.oneof(authority, anyText);
const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/);

test("after any sequence of changes, the values that were set are read, and all others are unchanged", () => {
  const keyPath = ["membrane", "tls", "trustedCA"];
  const change = fc.record({ name, values: fc.array(fc.tuple(key, value), { maxLength: 4 }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
      const expected = new Map<string, Map<string, string>>();
      let text = "";
      for (const { name, values } of changes) {
        text = setValues(file(text, keyPath), name, new Map(values));
        expected.set(name, new Map([...(expected.get(name) ?? []), ...values]));
      }
      const read = parseProfileDocuments(file(text, keyPath)).map(
        ({ name, values }) => [name, values] as const,
      );
      expect(new Map(read)).toEqual(expected);
      const [first] = expected.keys();
      if (first === undefined) return;
      const left = parseProfileDocuments(file(removeDocuments(file(text, keyPath), first), keyPath));
      expect(left.map(({ name }) => name)).toEqual([...expected.keys()].slice(1));
    }),
    { numRuns: 300 },
  );
});
