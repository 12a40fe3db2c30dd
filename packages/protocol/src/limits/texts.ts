import { type TextRule, parseText } from "../api/json-fields.ts";
import { MAX_LABEL_LENGTH, MAX_TEXT_LENGTH } from "./bounds.ts";
import type { Parser } from "./members.ts";

/** What no text here may have: a terminal acts on control characters, and no store keeps a lone surrogate. */
const CONTROL_OR_SURROGATE = /[\p{Cc}\p{Surrogate}]/u;

function textOf(min: number, max: number, what: string): Parser<string> {
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

/** Parses the name of a query key, decoded. */
export const parseQueryKey: Parser<string> = textOf(1, MAX_TEXT_LENGTH, "a query key");

/** Parses a value of a query key or header, decoded. */
export const parseListedText: Parser<string> = textOf(0, MAX_TEXT_LENGTH, "a string");

/** Parses the beginning of a value. An empty one would be every value. */
export const parseBeginning: Parser<string> = textOf(1, MAX_TEXT_LENGTH, "a string");

/** Parses the label of a capability: a note of its exporter, sealed with the capability. */
export const parseLabel: Parser<string> = textOf(0, MAX_LABEL_LENGTH, "a string");
