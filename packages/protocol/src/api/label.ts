import { MAX_LABEL_LENGTH } from "../bounds.ts";
import type { Parser } from "../json/members.ts";
import { textOf } from "../json/text.ts";

/** Parses the label of a capability: a note of its exporter, sealed with the capability. */
export const parseLabel: Parser<string> = textOf(0, MAX_LABEL_LENGTH, "a string");
