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
    (values ??= []).push(rawHeaders[i + 1] ?? "");
  }
  return values ?? NONE;
}

/** The members of a field that is a list (RFC 9110 §5.6.1), its lines taken together; empty members are none. */
export function listOf(rawHeaders: readonly string[], lowerCaseName: string): readonly string[] {
  const values = valuesOf(rawHeaders, lowerCaseName);
  if (values.length === 0) return NONE;
  return values.flatMap((value) => value.split(",")).flatMap((member) => member.trim() || []);
}

const NONE: readonly string[] = [];
