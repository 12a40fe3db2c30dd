import { hideDatabasePasswords } from "./database-urls.ts";

/**
 * What a terminal could act on or show as something else: control characters, line separators, bidirectional and invisible
 * marks, unassigned code points.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A name that needs no quotes on a line by itself. */
const PLAIN = /^[^\s"\\](?:[^"\\]*[^\s"\\])?$/u;

/**
 * Escapes text so that a terminal shows it on one line and does not act on it. Names of tenants and membranes come from
 * clients: a name must not move the cursor, change a title, or forge the next line. In a JSON string the escapes mean the same.
 */
export function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => escapeUnit(character.charCodeAt(i))).join(""),
  );
}

/** A token, or a part of one. */
const TOKEN = /CPBLTY1-[\w-]*/gi;

/**
 * Text without the tokens, and the passwords of databases, that were put on a command line in the wrong place: the error may go to a
 * journal.
 */
export function hideSecrets(text: string): string {
  return hideDatabasePasswords(text).replace(TOKEN, "CPBLTY1-...");
}

/** A name as it is if it needs no quotes, otherwise as a JSON string, which shows where it ends. */
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
