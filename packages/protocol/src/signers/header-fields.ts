/** All values sent under one name, in the order sent. */
export interface HeaderField {
  readonly lowerCaseName: string;
  readonly values: readonly string[];
}

interface GrowingField extends HeaderField {
  readonly values: string[];
}

/**
 * Groups flat lists (name, value, name, value, …) by name, sorted by lower-case name. Names that `keep` refuses are left out.
 *
 * @param added follow the headers in what is sent.
 */
export function groupHeaders(
  headers: readonly string[],
  added: readonly string[],
  keep: (lowerCaseName: string) => boolean,
): readonly HeaderField[] {
  const kept: GrowingField[] = [];
  keepLines(headers, keep, kept);
  keepLines(added, keep, kept);
  // The sort is stable, so the values of one name stay in order.
  kept.sort(byName);
  const fields: GrowingField[] = [];
  let last: GrowingField | undefined;
  for (const field of kept) {
    if (last?.lowerCaseName === field.lowerCaseName) last.values.push(...field.values);
    else fields.push((last = field));
  }
  return fields;
}

function keepLines(
  headers: readonly string[],
  keep: (lowerCaseName: string) => boolean,
  kept: GrowingField[],
): void {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const lowerCaseName = (headers[index] ?? "").toLowerCase();
    if (keep(lowerCaseName)) kept.push({ lowerCaseName, values: [headers[index + 1] ?? ""] });
  }
}

function byName(a: HeaderField, b: HeaderField): number {
  return a.lowerCaseName === b.lowerCaseName ? 0 : a.lowerCaseName < b.lowerCaseName ? -1 : 1;
}

/** Lists the names of signed headers as both schemes do: `a;b;c`. */
export function signedHeaders(fields: readonly HeaderField[]): string {
  let names = "";
  for (const { lowerCaseName } of fields) names += names === "" ? lowerCaseName : `;${lowerCaseName}`;
  return names;
}
