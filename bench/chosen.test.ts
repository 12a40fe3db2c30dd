import { expect, test } from "vitest";
import { chosenOf } from "./chosen.js";

const NAMES = ["plain", "plain, every head new", "TLS"];

test("without words everything is measured, and with words what has one in its name", () => {
  expect(chosenOf(NAMES, [])).toEqual(NAMES);
  expect(chosenOf(NAMES, ["new", "TLS"])).toEqual(["plain, every head new", "TLS"]);
});

test("a word that no name holds is refused, with all names, before anything is measured", () => {
  expect(() => chosenOf(NAMES, ["plain", "--quik"])).toThrow(
    '"--quik" is in no name; these can be measured: plain; plain, every head new; TLS',
  );
});
