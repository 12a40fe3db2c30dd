import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CliError } from "./errors/cli-error.ts";
import { formatExport, formatJson, formatMembrane, formatQuery } from "./output.ts";
import { quoteForShell, shellWord } from "./shell.ts";

const TOKENS = ["A", "B"].map((letter) => `CPBLTY1-${letter.repeat(85)}A`);
const [EXPORT = "", REVOKE = ""] = TOKENS.map((token) => `cpblty://localhost:8443/#${token}`);
const MEMBRANE = { id: "m", capabilities: { export: EXPORT, revoke: REVOKE } };

test("JSON is indented by two spaces and ends with a line break", () => {
  expect(formatMembrane(MEMBRANE, "json")).toBe(
    `{\n  "id": "m",\n  "capabilities": {\n    "export": "${EXPORT}",\n    "revoke": "${REVOKE}"\n  }\n}\n`,
  );
});

test("printed JSON is parsed to the same value, and has no character that controls a terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (id) => {
      const text = formatJson({ id });
      expect(JSON.parse(text)).toEqual({ id });
      expect(text).not.toMatch(/[^\n\P{Cc}]|\p{Bidi_Control}|[\u2028\u2029]/u);
    }),
  );
  expect(formatJson({ id: "\u001b[2J\u009b2J\u202e" })).toContain('"\\u001b[2J\\u009b2J\\u202e"');
});

test("the format uri has one URI on each line: the export and then the revoke capability of each membrane", () => {
  expect(formatMembrane(MEMBRANE, "uri")).toBe(`${EXPORT}\n${REVOKE}\n`);
  expect(formatQuery({ membranes: [MEMBRANE, MEMBRANE], completed: true }, "uri")).toBe(
    `${EXPORT}\n${REVOKE}\n${EXPORT}\n${REVOKE}\n`,
  );
  expect(formatExport({ capability: EXPORT }, undefined, "uri")).toBe(`${EXPORT}\n`);
});

test("an export is shown with its end and with the label that it was given", () => {
  const response = { capability: EXPORT, expiresAt: "2030-01-31T12:00:00.000Z" };
  expect(JSON.parse(formatExport(response, "for Bob", "json"))).toEqual({ ...response, label: "for Bob" });
  expect(JSON.parse(formatExport(response, undefined, "json"))).toEqual(response);
  expect(formatExport(response, "for Bob", "uri")).toBe(`${EXPORT}\n`);
});

test("the format env sets a URI and a token for each capability", () => {
  expect(formatMembrane(MEMBRANE, "env")).toBe(
    [
      `EXPORT_URI='${EXPORT}'`,
      `EXPORT_TOKEN='${TOKENS[0]}'`,
      `REVOKE_URI='${REVOKE}'`,
      `REVOKE_TOKEN='${TOKENS[1]}'\n`,
    ].join("\n"),
  );
  expect(formatExport({ capability: EXPORT }, undefined, "env")).toBe(
    `CAPABILITY_URI='${EXPORT}'\nCAPABILITY_TOKEN='${TOKENS[0]}'\n`,
  );
});

test("a query without results fails in the formats uri and env, and is an empty list in JSON", () => {
  const nothing = { membranes: [], completed: true };
  expect(JSON.parse(formatQuery(nothing, "json"))).toEqual(nothing);
  expect(() => formatQuery(nothing, "uri")).toThrow(CliError);
  expect(() => formatQuery(nothing, "env")).toThrow(CliError);
});

test("the format env needs exactly one membrane", () => {
  const several = { membranes: [MEMBRANE, MEMBRANE], completed: true };
  expect(() => formatQuery(several, "env")).toThrow(CliError);
  expect(formatQuery({ membranes: [MEMBRANE], completed: false }, "env")).toBe(
    formatMembrane(MEMBRANE, "env"),
  );
});

test("a shell evaluates a quoted text to the same text, and runs nothing in it", () => {
  const texts = [
    "'; echo hurt; '",
    "$(echo hurt)`echo hurt`",
    "\\'\n'",
    "!! ~ * #",
    ...fc.sample(fc.string(), { numRuns: 40, seed: 1 }),
  ].filter((text) => !text.includes("\0"));
  for (const quote of [quoteForShell, shellWord]) {
    const script = texts.map((text) => `printf '%s\\0' ${quote(text)}`).join("\n");
    const read = execFileSync("sh", ["-c", script]).toString().split("\0").slice(0, -1);
    expect(read).toEqual(texts);
  }
});
