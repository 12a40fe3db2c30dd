/*
 * Headers in which a client of the Model Context Protocol repeats parts of its body (version 2026-07-28). A limit on them holds as
 * far as the server checks that they equal the body, which the protocol requires.
 */

const PREFIX = "mcp-";
const METHOD = "mcp-method";
const NAME = "mcp-name";

/** The methods whose requests have a name. */
const NAMED_METHODS: ReadonlySet<string> = new Set(["tools/call", "resources/read", "prompts/get"]);

export function isMcpHeader(foldedName: string): boolean {
  return foldedName.startsWith(PREFIX);
}

/**
 * Whether a limit requires a header of this request. Only `Mcp-Name` can be absent: when the one `Mcp-Method` is another than
 * those that name something.
 *
 * @param valueOf the decoded value of a header; nothing if it is absent or repeated, or cannot be decoded.
 */
export function isRequired(
  lowerCaseName: string,
  valueOf: (lowerCaseName: string) => string | undefined,
): boolean {
  if (lowerCaseName !== NAME) return true;
  const method = valueOf(METHOD);
  return method === undefined || NAMED_METHODS.has(method);
}

/** A value that is not visible ASCII is sent in base64, with UTF-8 below it. */
const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;
const ENCODED_START = /^=\?/;

/**
 * Decodes the value of such a header.
 *
 * @returns nothing if it looks encoded and is not, or not in the one canonical form: a server could read it in another way.
 */
export function decodeMcpValue(value: string): string | undefined {
  if (!ENCODED_START.test(value)) return value;
  const [, base64] = ENCODED.exec(value) ?? [];
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, "base64");
  if (bytes.toString("base64") !== base64) return undefined;
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : undefined;
}
