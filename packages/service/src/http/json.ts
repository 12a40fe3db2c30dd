import type { Result } from "capability-protocol";
import { err, findRepeatedName, measureJson, ok, printableName } from "capability-protocol";

/** A byte order mark is kept, so that the parser sees it and refuses it. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Why a text is refused. `bom`: it begins with a byte order mark, which JSON must not (RFC 8259 §8.1). `deep`: it is nested too
 * deep. `many`: it has more than {@link MAX_COMMAS} commas between its parts. `repeated`: an object has a name twice, and parsers
 * differ in which of the two they take (RFC 8259 §4).
 */
export type JsonError =
  | { readonly reason: "syntax" | "bom" | "deep" | "many" }
  /** The name is safe to print. */
  | { readonly reason: "repeated"; readonly name: string };

/**
 * Parses a body as JSON, whatever its Content-Type: `curl -d` sends JSON as a form.
 *
 * @param depth how deep objects and arrays may be nested.
 */
export function parseJson(raw: Uint8Array, depth: number): Result<unknown, JsonError> {
  try {
    const json = UTF8.decode(raw);
    if (json.startsWith(BYTE_ORDER_MARK)) return err({ reason: "bom" });
    const { levels, commas } = measureJson(json);
    // The parser itself needs no limit, but later code that walks through the value may recurse.
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
 * A management body has a thousand headers at most. An object of a hundred thousand members takes the parser a hundred times
 * as long as a single string of the same length.
 */
export const MAX_COMMAS = 4_096;
