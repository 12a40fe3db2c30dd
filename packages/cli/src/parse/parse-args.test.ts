import fc from "fast-check";
import { expect, test } from "vitest";
import { CliError } from "../errors/cli-error.ts";
import type { OptionSpecs } from "./option-spec.ts";
import type { CommandShape } from "./parse-args.ts";
import { parseArgs } from "./parse-args.ts";

const OPTIONS: OptionSpecs = {
  id: { takes: "text", describe: "" },
  "allow-query": { takes: "switch", describe: "" },
  "trustedCA-file-path": { takes: "text", describe: "" },
  header: { takes: "secret", short: "H", repeats: true, describe: "" },
  method: { takes: "text", short: "X", describe: "" },
  include: { takes: "switch", short: "i", describe: "" },
};
/** `call` takes a positional argument, `make` takes none. */
const CALL: CommandShape = { name: "call", options: OPTIONS, operand: {} };
const MAKE: CommandShape = { name: "make it", options: OPTIONS };
const OTHER: CommandShape = {
  name: "make other",
  options: { form: { takes: "text", choices: ["a"], describe: "" } },
};
const COMMANDS = [CALL, MAKE, OTHER];

function read(args: readonly string[]) {
  const parsed = parseArgs(args, COMMANDS);
  if (parsed.kind !== "command") return parsed.kind;
  return { ...Object.fromEntries(parsed.values), ...(parsed.operands.length > 0 && { "": parsed.operands }) };
}

/** Words after `call`, and the values that they mean; the empty name is the positional argument. */
const ROWS: readonly (readonly [words: readonly string[], meant: object])[] = [
  [["x"], { "": ["x"] }],
  [["--id", "a"], { id: ["a"] }],
  [["--id=a"], { id: ["a"] }],
  [["--id="], { id: [""] }],
  [["--id", ""], { id: [""] }],
  [["--id=--header"], { id: ["--header"] }],
  [["--id", "--form"], { id: ["--form"] }],
  [["--id", "-----BEGIN X-----\n"], { id: ["-----BEGIN X-----\n"] }],
  [["--id", "-XPOST"], { id: ["-XPOST"] }],
  [["--id", "a=b\nc"], { id: ["a=b\nc"] }],
  [["--id=a=b\nc"], { id: ["a=b\nc"] }],
  [["--allow-query"], { "allow-query": ["true"] }],
  [["--allow-query", "--id", "x"], { "allow-query": ["true"], id: ["x"] }],
  [["--allow-query", "true", "x"], { "allow-query": ["true"], "": ["x"] }],
  [["--allow-query", "false"], { "allow-query": ["false"] }],
  [["--allow-query=false"], { "allow-query": ["false"] }],
  [["--no-allow-query"], { "allow-query": ["false"] }],
  [["--no-allow-query", "x"], { "allow-query": ["false"], "": ["x"] }],
  [["--allowQuery", "false"], { "allow-query": ["false"] }],
  [["--trusted-ca-file-path", "f"], { "trustedCA-file-path": ["f"] }],
  [["-X", "POST"], { method: ["POST"] }],
  [["-XPOST"], { method: ["POST"] }],
  [["-iXPOST"], { include: ["true"], method: ["POST"] }],
  [["-i", "false"], { include: ["true"], "": ["false"] }],
  [["-HName: -i"], { header: ["Name: -i"] }],
  [["-H-i"], { header: ["-i"] }],
  [["-H", "a", "-Hb", "--header=c", "d"], { header: ["a", "b", "c"], "": ["d"] }],
  [["-"], { "": ["-"] }],
  [["--id", "a", "--", "-b"], { id: ["a"], "": ["-b"] }],
];

test.each(ROWS)("after a command that takes a positional argument, %j means %j", (words, meant) => {
  expect(read(["call", ...words])).toEqual(meant);
});

test.each([
  [
    ["--header", "a", "b"],
    ["a", "b"],
  ],
  [
    ["--header=a", "b", "c", "--id", "i", "-H", "d", "e"],
    ["a", "b", "c", "d", "e"],
  ],
  [
    ["-H", "-a", "b", "-i"],
    ["-a", "b"],
  ],
])(
  "without a positional argument, the words after an option that repeats are its values: %j",
  (words, header) => {
    expect(read(["make", "it", ...words])).toMatchObject({ header });
  },
);

test.each([
  [["--id", "--header", "a"]],
  [["--id", "--header=a"]],
  [["--id", "--allow-query"]],
  [["--id", "--no-allow-query"]],
  [["--id", "--allowQuery"]],
  [["--id", "-X", "POST"]],
  [["--id", "--help"]],
  [["-i", "--id", "--id", "x"]],
])("an option of the command is not the value of the option before it, as in %j", (words) => {
  const message = "--id: missing value; write --id=… for a value that is an option's name";
  expect(() => read(["call", ...words])).toThrow(new CliError(message));
});

test.each([
  [["--id"], "--id: missing value"],
  [["-X"], "--method: missing value"],
  [["-iX"], "--method: missing value"],
  [["--header"], "--header: missing value"],
  [["--id", "a", "--id=b"], "--id: expected once"],
  [["--allow-query=maybe"], "--allow-query: expected true or false"],
  [["--no-allow-query=false"], "--no-allow-query: no such option"],
  [["--noAllowQuery"], "--noAllowQuery: no such option"],
  [["--no-id", "x"], "--no-id: no such option"],
  [["--unknown", "x"], "--unknown: no such option"],
  [["--unknown=x"], "--unknown: no such option"],
  [["--form", "a"], "--form: no such option"],
  [["-iq"], "-q: no such option"],
  [["--a b"], "unknown option"],
  [["a", "b"], "unexpected argument"],
])("call %j is refused: %s", (words, message) => {
  expect(() => read(["call", ...words])).toThrow(new CliError(message));
});

test.each([
  [[], "expected a command: call or make"],
  [["--id", "call"], "expected a command: call or make"],
  [["make"], "make: expected it or other"],
  [["make", "--id", "it"], "make: expected it or other"],
  [["form"], "form: no such command"],
  [["make", "form"], "form: no such command"],
  [["X/y"], "unexpected argument"],
  [["make", "it", "--id", "i", "x"], "unexpected argument"],
  [["make", "other", "--form", "b"], "--form: expected one of a"],
])("%j is refused: %s", (words, message) => {
  expect(() => read(words)).toThrow(new CliError(message));
});

test.each([
  [["--help"], "help", []],
  [["make", "--help"], "help", ["make"]],
  [["make", "it", "--frob", "x", "--help"], "help", ["make", "it"]],
  [["call", "--version"], "version", ["call"]],
])("%j asks for %s, even if the rest is invalid", (words, kind, path) => {
  expect(parseArgs(words, COMMANDS)).toEqual({ kind, path });
});

test("options may come before the command and between its words", () => {
  expect(read(["--id", "a", "make", "-i", "it"])).toEqual({ id: ["a"], include: ["true"] });
});

test("the word after an option with a value is its value, unless it is an option of the command", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      fc.pre(!/^-(?:[HXi]|-(?:help|version)(?:=.*)?)$/.test(value));
      expect(read(["call", "--id", value, "-H", value, "rest"])).toEqual({
        id: [value],
        header: [value],
        "": ["rest"],
      });
    }),
  );
});
