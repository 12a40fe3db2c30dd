/**
 * The values of one field in a flat list of names and values, in the order they came.
 *
 * @param rawHeaders name, value, name, value, …
 */
export function valuesOf(rawHeaders: readonly string[], lowerCaseName: string): readonly string[] {
  let values: string[] | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length !== lowerCaseName.length || name.toLowerCase() !== lowerCaseName) continue;
    const value = rawHeaders[i + 1] ?? "";
    if (values === undefined) values = [value];
    else values.push(value);
  }
  return values ?? NONE;
}

/** The members of a field that is a list (RFC 9110 §5.6.1), its lines taken together; empty members are none. */
export function listOf(rawHeaders: readonly string[], lowerCaseName: string): readonly string[] {
  const values = valuesOf(rawHeaders, lowerCaseName);
  if (values.length === 0) return NONE;
  return values.flatMap((value) => value.split(",")).flatMap((member) => member.trim() || []);
}

/** Appends to a flat list. For so few elements a loop takes half as long as `concat`, or as a spread. */
export function appendAll(rawHeaders: string[], added: readonly string[]): void {
  for (const part of added) rawHeaders.push(part);
}

const NONE: readonly string[] = [];
