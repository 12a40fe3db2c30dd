/**
 * The size of a JSON text's structure, apart from its strings.
 *
 * @example
 * const shape: JsonShape = measureJson("[1, 2, 3]");
 * shape; // => { levels: 1, commas: 2 }
 */
export interface JsonShape {
  /** How deep objects and lists are nested. */
  readonly levels: number;
  /** Commas between members and elements. */
  readonly commas: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPENING_LIST = 0x5b;
const OPENING_OBJECT = 0x7b;
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Measures a text before it is parsed, in one pass. Values take up to forty times the memory of their text, and code that
 * recurses through them can overflow the stack. The text need not be JSON.
 *
 * @example
 * measureJson('{"a": [[]], "b": ","}'); // => { levels: 3, commas: 1 }
 */
export function measureJson(json: string): JsonShape {
  let open = 0;
  let levels = 0;
  let commas = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === COMMA) commas += 1;
    else if (code === OPENING_LIST || code === OPENING_OBJECT) levels = Math.max(levels, (open += 1));
    else if (CLOSING.has(code)) open -= 1;
  }
  return { levels, commas };
}

/**
 * Finds a name that an object has twice, in one pass: parsers differ in which of the two values they take (RFC 8259 §4).
 *
 * @param json a text that a parser has accepted.
 * @returns the first such name, with its escapes decoded.
 *
 * @example
 * findRepeatedName('{"id": 1, "\\u0069d": 2}'); // => "id"
 * findRepeatedName('{"id": 1}'); // => undefined
 */
export function findRepeatedName(json: string): string | undefined {
  // The open objects and lists. An object gets a set with its first name, since a hostile text opens many objects.
  const around: (Set<string> | "object" | "list")[] = [];
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === OPENING_OBJECT) around.push("object");
    else if (code === OPENING_LIST) around.push("list");
    else if (CLOSING.has(code)) around.pop();
    else if (code === QUOTE) {
      const end = endOfString(json, at);
      const owner = around.at(-1);
      // Only a name is followed by a colon in JSON.
      if (
        owner !== undefined &&
        owner !== "list" &&
        json.charCodeAt(skipWhiteSpace(json, end + 1)) === COLON
      ) {
        const name = readString(json.slice(at, end + 1));
        const names = typeof owner === "object" ? owner : new Set<string>();
        if (names.has(name)) return name;
        names.add(name);
        around[around.length - 1] = names;
      }
      at = end;
    }
  }
  return undefined;
}

/** @param at index of the quote that begins the string. */
function endOfString(json: string, at: number): number {
  for (let end = at + 1; end < json.length; end += 1) {
    const code = json.charCodeAt(end);
    if (code === BACKSLASH) end += 1;
    else if (code === QUOTE) return end;
  }
  return json.length;
}

function skipWhiteSpace(json: string, at: number): number {
  let next = at;
  while (WHITE_SPACE.has(json.charCodeAt(next))) next += 1;
  return next;
}

/** Decodes a string: a name has many spellings, such as `"\u0075ri"` for `"uri"`. */
function readString(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
