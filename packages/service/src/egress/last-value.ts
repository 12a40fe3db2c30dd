/**
 * The value of the last header of a name.
 *
 * @param headers name, value, name, value, …
 */
export function lastValueOf(headers: readonly string[], lowerCaseName: string): string | undefined {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const name = headers[i] ?? "";
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) return headers[i + 1];
  }
  return undefined;
}
