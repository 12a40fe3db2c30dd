/** Without dropping a byte order mark: what is sealed are the bytes as they came, and they must parse again later. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A value, or why there is none: `deep` is JSON, and has more levels than it may. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: "syntax" | "deep" };

/**
 * Reads a body whatever its Content-Type says: `curl -d` calls its JSON a form.
 *
 * @param depth how many objects and lists may stand within each other.
 */
export function parseJson(raw: Uint8Array, depth: number): ParsedJson {
  try {
    const json = UTF8.decode(raw);
    const value: unknown = JSON.parse(json);
    // The engine's parser goes down without recursion; whoever walks through the value may not.
    return levels(json) > depth ? { ok: false, why: "deep" } : { ok: true, value };
  } catch {
    return { ok: false, why: "syntax" };
  }
}

/** A string, up to its end, if it has one; or one bracket. */
const STRING_OR_BRACKET = /"(?:[^"\\]|\\.)*"?|[[\]{}]/gs;

/** How deep the brackets of a JSON text stand within each other; those within strings are none. */
function levels(json: string): number {
  let open = 0;
  let deepest = 0;
  for (const [found] of json.matchAll(STRING_OR_BRACKET)) {
    if (found === "[" || found === "{") deepest = Math.max(deepest, (open += 1));
    else if (found === "]" || found === "}") open -= 1;
  }
  return deepest;
}
