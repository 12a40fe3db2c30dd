/** All values sent under one name, in the order sent. */
export interface HeaderLine {
  readonly lowerCaseName: string;
  readonly values: readonly string[];
}

/**
 * Groups a flat list (name, value, name, value, …) by name, sorted by lower-case name, keeping the names that `keep`
 * allows.
 */
export function groupHeaders(
  headers: readonly string[],
  keep: (lowerCaseName: string) => boolean,
): readonly HeaderLine[] {
  const valuesOf = new Map<string, string[]>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const lowerCaseName = (headers[index] ?? "").toLowerCase();
    const value = headers[index + 1] ?? "";
    if (!keep(lowerCaseName)) continue;
    const values = valuesOf.get(lowerCaseName);
    if (values === undefined) valuesOf.set(lowerCaseName, [value]);
    else values.push(value);
  }
  return Array.from(valuesOf, ([lowerCaseName, values]) => ({ lowerCaseName, values })).toSorted((a, b) =>
    a.lowerCaseName < b.lowerCaseName ? -1 : 1,
  );
}

/** `a;b;c`, as both schemes list what they signed. */
export function signedHeaders(lines: readonly HeaderLine[]): string {
  return lines.map((line) => line.lowerCaseName).join(";");
}
