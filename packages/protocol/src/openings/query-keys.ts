import { MAX_TEXT_LENGTH } from "../bounds.ts";
import type { Parser } from "../json/members.ts";
import { textOf } from "../json/text.ts";

/** Parses the name of a query key, decoded. */
export const parseQueryKey: Parser<string> = textOf(1, MAX_TEXT_LENGTH, "a query key");
