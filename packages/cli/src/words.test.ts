import fc from "fast-check";
import { expect, test } from "vitest";
import { Failure } from "./failure.ts";
import type { Options } from "./options/option.ts";
import { joinWords } from "./words.ts";

const OPTIONS: Options = {
  id: { takes: "text", describe: "" },
  "allow-query": { takes: "switch", describe: "" },
  "trustedCA-file-path": { takes: "text", describe: "" },
  header: { takes: "secret", short: "H", repeats: true, describe: "" },
  method: { takes: "text", short: "X", describe: "" },
  include: { takes: "switch", short: "i", describe: "" },
};

const ROWS: readonly (readonly [given: readonly string[], joined: readonly string[]])[] = [
  [
    ["membrane", "create"],
    ["membrane", "create"],
  ],
  [["--id", "a"], ["--id=a"]],
  [["--id=a"], ["--id=a"]],
  [["--id="], ["--id="]],
  [["--id", ""], ["--id="]],
  [["--id", "--header"], ["--id=--header"]],
  [["--id", "a=b\nc"], ["--id=a=b\nc"]],
  [["--id=a=b\nc"], ["--id=a=b\nc"]],
  [["--allow-query"], ["--allow-query=true"]],
  [
    ["--allow-query", "--id", "x"],
    ["--allow-query=true", "--id=x"],
  ],
  [
    ["--allow-query", "true", "x"],
    ["--allow-query=true", "x"],
  ],
  [["--allow-query", "false"], ["--allow-query=false"]],
  [["--allow-query=false"], ["--allow-query=false"]],
  [["--allow-query=maybe"], ["--allow-query=maybe"]],
  [["--no-allow-query"], ["--allow-query=false"]],
  [["--no-allow-query=false"], ["--no-allow-query=false"]],
  [
    ["--no-id", "x"],
    ["--no-id", "x"],
  ],
  [["--allowQuery", "false"], ["--allow-query=false"]],
  [["--noAllowQuery"], ["--noAllowQuery"]],
  [["--trusted-ca-file-path", "f"], ["--trustedCA-file-path=f"]],
  [
    ["--unknown", "x"],
    ["--unknown", "x"],
  ],
  [["-X", "POST"], ["--method=POST"]],
  [["-XPOST"], ["--method=POST"]],
  [["-iXPOST"], ["--include=true", "--method=POST"]],
  [
    ["-i", "false"],
    ["--include=true", "false"],
  ],
  [["-HName: -i"], ["--header=Name: -i"]],
  [["-H", "-i"], ["--header=-i"]],
  [["-iq"], ["--include=true", "-q"]],
  [["-"], ["-"]],
  [
    ["--id", "a", "--", "b"],
    ["--id=a", "b"],
  ],
];

test.each(ROWS)("%j is read as %j", (given, joined) => {
  expect(joinWords(given, OPTIONS)).toEqual(joined);
});

test.each([["--id"], ["-X"], ["-iX"], ["--header"]])("%s without a value is refused", (word) => {
  expect(() => joinWords([word], OPTIONS)).toThrow(Failure);
});

test("whatever stands behind an option is its value, never an option itself", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      expect(joinWords(["--id", value, "-H", value, "rest"], OPTIONS)).toEqual([
        `--id=${value}`,
        `--header=${value}`,
        "rest",
      ]);
    }),
  );
});
