import { expect, test } from "vitest";
import { parseDocuments } from "./document.ts";

const KEY_PATH = ["membrane", "capabilities"];
const CANARY = "CPBLTY1-CANARY";

test("profiles are parsed in order, with the strings at the given key path", () => {
  const text = `# head
---
profile: a
membrane:
  region: r
  capabilities: {create: "one", query: two}
---
---
profile: b
membrane:
...
# between
---
profile: c
membrane: {capabilities: }
`;
  const parsed = parseDocuments(text, KEY_PATH);
  const plain = parsed.ok && parsed.value.map(({ name, values }) => [name, Object.fromEntries(values)]);
  expect(plain).toEqual([
    ["a", { create: "one", query: "two" }],
    ["b", {}],
    ["c", {}],
  ]);
});

test.each([
  ["a key without a value", `profile: a\nmembrane\n${CANARY}: x`, 2, "well-formed YAML"],
  ["an open quote", `profile: a\nmembrane: "${CANARY}`, 2, "well-formed YAML"],
  ["an unknown escape", `profile: "a\\q${CANARY}"`, 1, "well-formed YAML"],
  ["a tab as indentation", `profile: a\nmembrane:\n\t${CANARY}: x`, 3, "well-formed YAML"],
  ["a closing bracket alone", `]${CANARY}`, 1, "well-formed YAML"],
  ["a bare indicator", `\n\n@${CANARY}`, 3, "well-formed YAML"],
  ["a bad version with nothing after it", `\n%YAML ${CANARY}\n`, 2, "well-formed YAML"],
  ["a key twice", `profile: a\n${CANARY}: 1\n${CANARY}: 2`, 3, "each key once"],
  ["an alias without an anchor", `\nprofile: a\nx: *${CANARY}`, 2, "anchor"],
  ["a second document that is text", `profile: a\n---\n${CANARY}\n`, 3, "a map with the key profile"],
  ["a document that is a list", `- profile: ${CANARY}`, 1, "a map with the key profile"],
  ["a document without a name", `\nname: ${CANARY}`, 2, "profile to be a string"],
  ["a name that is a number", `x: ${CANARY}\nprofile: 12`, 2, "profile to be a string"],
  ["a name that is a map", `x: 1\nprofile: {${CANARY}: 1}`, 2, "profile to be a string"],
  ["text in place of a map", `profile: a\nmembrane: ${CANARY}`, 2, "membrane to be a map"],
  [
    "a list in place of a map",
    `profile: a\nmembrane:\n  capabilities: [${CANARY}]`,
    3,
    "membrane.capabilities",
  ],
  ["a number as capability", `profile: a\nmembrane:\n  capabilities:\n    create: 5`, 4, "only strings in"],
  [
    "nothing as capability",
    `profile: a\nmembrane:\n  capabilities:\n    create: ok\n    ${CANARY}:\n`,
    5,
    "only strings in",
  ],
  [
    "a list as capability",
    `profile: a\nmembrane: {capabilities: {create: [${CANARY}]}}`,
    2,
    "only strings in",
  ],
  ["a number as key", `profile: a\nmembrane:\n  capabilities:\n    5: ${CANARY}`, 4, "only strings as keys"],
  ["a map as key", `profile: a\nmembrane: {capabilities: {? {${CANARY}: 1} : x}}`, 2, "only strings as keys"],
  [
    "a binary tag on a number",
    `profile: a\nmembrane: {capabilities: {create: !!int "5"}}`,
    2,
    "only strings in",
  ],
])("%s is refused with its line and without any contents", (_, text, line, expected) => {
  const parsed = parseDocuments(text, KEY_PATH);
  if (parsed.ok) throw new Error("was not refused");
  expect(parsed.error.field).toBe(`line ${line}`);
  expect(parsed.error.expected).toContain(expected);
  expect(JSON.stringify(parsed)).not.toContain("CANARY");
});

test("tags have no effect: a tagged value is text like any other", () => {
  const parsed = parseDocuments(
    "profile: !foo a\nmembrane: !bar\n  capabilities:\n    create: !!binary aGk=\n    query: !!js/function x\n",
    KEY_PATH,
  );
  expect(parsed.ok && [...parsed.value[0]!.values]).toEqual([
    ["create", "aGk="],
    ["query", "x"],
  ]);
});

test("an alias is replaced by its text, and a bomb of aliases is refused", () => {
  const once = parseDocuments("profile: a\nmembrane: {capabilities: {create: &x one, query: *x}}", KEY_PATH);
  expect(once.ok && once.value[0]!.values.get("query")).toBe("one");
  const levels = Array.from(
    { length: 12 },
    (_, level) =>
      `l${level + 1}: &l${level + 1} [${Array.from({ length: 9 }, () => `*l${level}`).join(", ")}]`,
  );
  const bomb = parseDocuments(["profile: a", "l0: &l0 [x]", ...levels].join("\n"), KEY_PATH);
  expect(bomb.ok).toBe(false);
});

test("very deep nesting is refused and causes no crash", () => {
  for (const open of ["[", "{", "- ", "? "]) {
    expect(parseDocuments(`profile: a\nx: ${open.repeat(20_000)}`, KEY_PATH).ok).toBe(false);
  }
});

test("keys that are special in JavaScript are keys like any other", () => {
  const parsed = parseDocuments(
    "profile: __proto__\nmembrane: {capabilities: {__proto__: one, constructor: two}}",
    KEY_PATH,
  );
  expect(parsed.ok && [...parsed.value[0]!.values]).toEqual([
    ["__proto__", "one"],
    ["constructor", "two"],
  ]);
  const inherited = parseDocuments(
    "profile: a\n__proto__: {membrane: {capabilities: {create: x}}}",
    KEY_PATH,
  );
  expect(inherited.ok && inherited.value[0]!.values.size).toBe(0);
});
