/** Longest head that is kept to recognize the same one, in bytes: each connection of a client keeps one, and each pool. */
export const MAX_KEPT_HEAD_BYTES = 4_096;

/** What is made of a head takes a hundred bytes and more for each line, so that one of many short lines would keep far more than its bytes. */
export const MAX_KEPT_HEAD_LINES = 64;

/** @param headers name, value, name, value, … */
export function hasFewLines(headers: readonly string[]): boolean {
  return headers.length <= 2 * MAX_KEPT_HEAD_LINES;
}
