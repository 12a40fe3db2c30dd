/**
 * What a terminal could act on or show as something else: control characters, separators of lines, marks that turn the
 * direction of text or show nothing, code points that mean nothing.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A name that stands on a line by itself without quotes. */
const PLAIN = /^[^\s"\\](?:[^"\\]*[^\s"\\])?$/u;

/**
 * Text that a terminal shows and does not obey, on one line. Names of tenants and membranes come from clients: a name must
 * not move the cursor, change a title, or forge the next line. Inside the strings of a JSON text the escapes mean the same.
 */
export function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => escapeUnit(character.charCodeAt(i))).join(""),
  );
}

/** A name as it is if it can stand by itself, else as a JSON string, which says where it ends. */
export function formatName(name: string): string {
  return PLAIN.test(name) && escapeText(name) === name ? name : quoteName(name);
}

/** A name as a JSON string. */
export function quoteName(name: string): string {
  return escapeText(JSON.stringify(name));
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
