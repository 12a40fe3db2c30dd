import { type Parsed, ok, printableName, refuse } from "../result.ts";

/** The members of a JSON object: own properties that are not `undefined`. */
export type Fields = ReadonlyMap<string, unknown>;

/**
 * Reads an object with a closed list of members. It returns a map, so that a member named `__proto__` or `constructor` is a name
 * like any other, and nothing is read from a prototype.
 */
export function parseFields(value: unknown, path: string, known: readonly string[]): Parsed<Fields> {
  const fields = parseEntries(value, path);
  if (!fields.ok) return fields;
  for (const name of fields.value.keys()) {
    if (!known.includes(name)) {
      return refuse(memberPath(path, name), `one of the fields ${known.join(", ")}`);
    }
  }
  return fields;
}

/** Reads an object with any members. */
export function parseEntries(value: unknown, path: string): Parsed<Fields> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(path === "" ? "body" : path, "a JSON object");
  }
  const given: [string, unknown][] = Object.entries(value);
  return ok(new Map(given.filter(([, member]) => member !== undefined)));
}

/** Returns the JSON path of a member; the root's path is empty. */
export function memberPath(path: string, name: string): string {
  return path === "" ? printableName(name) : `${path}.${printableName(name)}`;
}

/** A rule for a string. */
export interface TextRule {
  readonly accepts: (text: string) => boolean;
  readonly expected: string;
}

/** Parses a string that a rule allows. */
export function parseText(value: unknown, path: string, rule: TextRule): Parsed<string> {
  if (typeof value !== "string" || !rule.accepts(value)) return refuse(path, rule.expected);
  return ok(value);
}

/** Parses an optional string: absent stays absent. */
export function parseOptionalText(value: unknown, path: string, rule: TextRule): Parsed<string | undefined> {
  return value === undefined ? ok(undefined) : parseText(value, path, rule);
}

/** Parses an optional boolean: absent stays absent, and only true and false are accepted. */
export function parseOptionalBoolean(value: unknown, path: string): Parsed<boolean | undefined> {
  if (value === undefined || typeof value === "boolean") return ok(value);
  return refuse(path, "true or false");
}
