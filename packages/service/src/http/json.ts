import type { Result } from "capability-protocol";
import { err, findRepeatedName, measureJson, ok, printableName } from "capability-protocol";

/** Without dropping a byte order mark: what is sealed are the bytes as they came, and they must parse again later. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Why a text is refused: `bom`, it begins with a byte order mark, which JSON must not (RFC 8259 §8.1); `deep`, it has more
 * levels than it may; `many`, it has more than {@link MAX_COMMAS} commas between its parts; `repeated`, an object has a name
 * twice, and readers differ in which of the two they take (RFC 8259 §4).
 */
export type JsonError =
  | { readonly reason: "syntax" | "bom" | "deep" | "many" }
  /** The name is safe to print. */
  | { readonly reason: "repeated"; readonly name: string };

/**
 * Reads a body whatever its Content-Type says: `curl -d` calls its JSON a form.
 *
 * @param depth how deep objects and arrays may be nested.
 */
export function parseJson(raw: Uint8Array, depth: number): Result<unknown, JsonError> {
  try {
    const json = UTF8.decode(raw);
    if (json.startsWith(BYTE_ORDER_MARK)) return err({ reason: "bom" });
    const { levels, commas } = measureJson(json);
    // The engine's parser needs no recursion; code that walks through the value may recurse.
    if (levels > depth) return err({ reason: "deep" });
    if (commas > MAX_COMMAS) return err({ reason: "many" });
    const value: unknown = JSON.parse(json);
    const repeated = findRepeatedName(json);
    if (repeated !== undefined) return err({ reason: "repeated", name: printableName(repeated) });
    return ok(value);
  } catch {
    return err({ reason: "syntax" });
  }
}

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * A body of the service's own has a thousand headers at most. An object of a hundred thousand members would take the
 * engine a hundred times as long as one text of the same length.
 */
export const MAX_COMMAS = 4_096;
