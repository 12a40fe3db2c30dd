/**
 * Returns the URL of a text, or nothing if it is none.
 *
 * Not by `URL.canParse`: in Node.js 20 and 22 it refuses letters such as "ü" once its caller is optimized, after some thousand calls.
 */
export function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
