import { type TextRule, parseText } from "./fields.ts";
import type { Parser } from "./members.ts";

/** What no text here may have: a terminal acts on control characters, and no store keeps a lone surrogate. */
const CONTROL_OR_SURROGATE = /[\p{Cc}\p{Surrogate}]/u;

/** Makes a parser of texts whose number of characters is within bounds. */
export function textOf(min: number, max: number, what: string): Parser<string> {
  const rule: TextRule = {
    // A text in UTF-16 has at most twice its characters. No longer one is split.
    accepts: (text) =>
      text.length <= 2 * max &&
      isWithin(Array.from(text).length, min, max) &&
      !CONTROL_OR_SURROGATE.test(text),
    expected: `${what} of ${min} to ${max} characters, well-formed and without control characters`,
  };
  return (value, path) => parseText(value, path, rule);
}

function isWithin(length: number, min: number, max: number): boolean {
  return length >= min && length <= max;
}
