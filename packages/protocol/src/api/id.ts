import type { TextRule } from "../json/fields.ts";

const MAX_ID_LENGTH = 512;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The name of a membrane or a tenant. It is well-formed and has no NUL, so that every store can keep it and order it by its
 * UTF-8 bytes.
 */
export const ID_RULE: TextRule = {
  accepts: (text) =>
    text.length > 0 && text.length <= MAX_ID_LENGTH && !text.includes("\0") && !LONE_SURROGATE.test(text),
  expected: "a well-formed string of 1 to 512 characters (UTF-16 code units) without NUL",
};
