/** Without dropping a byte order mark: what is sealed are the bytes as they came, and they must parse again later. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A value, or why there is none: `bom`, it begins with a byte order mark, which JSON must not (RFC 8259 §8.1); `deep`,
 * it has more levels than it may; `many`, it has more than {@link MOST_COMMAS} commas between its parts.
 */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: "syntax" | "bom" | "deep" | "many" };

/**
 * Reads a body whatever its Content-Type says: `curl -d` calls its JSON a form.
 *
 * @param depth how many objects and lists may stand within each other.
 */
export function parseJson(raw: Uint8Array, depth: number): ParsedJson {
  try {
    const json = UTF8.decode(raw);
    if (json.startsWith(BYTE_ORDER_MARK)) return { ok: false, why: "bom" };
    const { levels, commas } = measure(json);
    // The engine's parser goes down without recursion; whoever walks through the value may not.
    if (levels > depth) return { ok: false, why: "deep" };
    if (commas > MOST_COMMAS) return { ok: false, why: "many" };
    const value: unknown = JSON.parse(json);
    return { ok: true, value };
  } catch {
    return { ok: false, why: "syntax" };
  }
}

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * A body of the service's own has a thousand headers at most. An object of a hundred thousand members would take the
 * engine a hundred times as long as one text of the same length.
 */
export const MOST_COMMAS = 4_096;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

const COMMA = 0x2c;

/** How deep the brackets of a JSON text are nested, and how many commas it has, both outside strings. */
function measure(json: string): { readonly levels: number; readonly commas: number } {
  let open = 0;
  let levels = 0;
  let commas = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === COMMA) commas += 1;
    else if (OPENING.has(code)) levels = Math.max(levels, (open += 1));
    else if (CLOSING.has(code)) open -= 1;
  }
  return { levels, commas };
}

/** @param at of the quote that begins the string. */
function endOfString(json: string, at: number): number {
  for (let end = at + 1; end < json.length; end += 1) {
    const code = json.charCodeAt(end);
    if (code === BACKSLASH) end += 1;
    else if (code === QUOTE) return end;
  }
  return json.length;
}
