/** All values sent under one name, in the order sent. */
export interface HeaderField {
  readonly lowerCaseName: string;
  readonly values: readonly string[];
}

/**
 * Groups a flat list (name, value, name, value, …) by name, sorted by lower-case name. Names that `keep` refuses are left out.
 */
export function groupHeaders(
  headers: readonly string[],
  keep: (lowerCaseName: string) => boolean,
): readonly HeaderField[] {
  const kept: { readonly lowerCaseName: string; readonly values: string[] }[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const lowerCaseName = (headers[index] ?? "").toLowerCase();
    if (keep(lowerCaseName)) kept.push({ lowerCaseName, values: [headers[index + 1] ?? ""] });
  }
  // The sort is stable, so the values of one name stay in order.
  kept.sort(byName);
  const fields: (typeof kept)[number][] = [];
  for (const field of kept) {
    const last = fields.at(-1);
    if (last?.lowerCaseName === field.lowerCaseName) last.values.push(...field.values);
    else fields.push(field);
  }
  return fields;
}

function byName(a: HeaderField, b: HeaderField): number {
  return a.lowerCaseName === b.lowerCaseName ? 0 : a.lowerCaseName < b.lowerCaseName ? -1 : 1;
}

/** Lists the names of signed headers as both schemes do: `a;b;c`. */
export function signedHeaders(fields: readonly HeaderField[]): string {
  return fields.map((field) => field.lowerCaseName).join(";");
}
