import { StoreCorruptError } from "../store.ts";

/**
 * Reads the members of a JSON object that was stored.
 *
 * @throws StoreCorruptError when a member has another type.
 */
export class JsonObject {
  readonly #members: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null)
      throw new StoreCorruptError("a stored body has no such object");
    // A map: nothing is read from a prototype.
    this.#members = new Map(Object.entries(value));
  }

  static parse(json: string): JsonObject {
    try {
      return new JsonObject(JSON.parse(json));
    } catch {
      // The parser's own message repeats part of the text.
      throw new StoreCorruptError("a stored body is no JSON object");
    }
  }

  names(): readonly string[] {
    return [...this.#members.keys()];
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  text(name: string): string {
    return this.optionalText(name) ?? missing(name);
  }

  object(name: string): JsonObject {
    return this.optionalObject(name) ?? missing(name);
  }

  optionalText(name: string): string | undefined {
    const value = this.#members.get(name);
    return value === undefined || typeof value === "string" ? value : missing(name);
  }

  optionalNumber(name: string): number | undefined {
    const value = this.#members.get(name);
    return value === undefined || typeof value === "number" ? value : missing(name);
  }

  optionalFlag(name: string): boolean | undefined {
    const value = this.#members.get(name);
    return value === undefined || typeof value === "boolean" ? value : missing(name);
  }

  optionalObject(name: string): JsonObject | undefined {
    const value = this.#members.get(name);
    return value === undefined ? undefined : new JsonObject(value);
  }
}

/** The name is one that this program looks for, so it is no secret. */
function missing(name: string): never {
  throw new StoreCorruptError(`a stored body has no such ${name}`);
}
