/**
 * One part of a help text: rows of two columns, or lines as they are.
 *
 * @typedef {{ heading: string, rows: readonly (readonly [name: string, text: string])[], lines: readonly string[] }} Section
 */

/** The deepest that a row begins, in columns; the second column, which may continue, is further right. */
const MAX_ROW_INDENT = 6;
/** What the parser of `membrane` adds to a row: the type, and a default that is not a value. */
const NOISE = / *\[(?:string|boolean|number|array|default: \[\])\]/g;

/**
 * Reads a help text of `membrane` or `capi`.
 *
 * @param {string} text
 * @returns {{ usage: string, description: string, sections: readonly Section[], closing: string }}
 */
export function parseHelp(text) {
  const blocks = text.trimEnd().split(/\n\n(?=\S)/);
  const [usage = "", description = "", ...rest] = blocks;
  const isSection = (/** @type {string} */ block) => /^[^\n]*:\n/.test(block);
  return {
    usage,
    description,
    sections: rest.filter(isSection).map(parseSection),
    closing: rest.filter((block) => !isSection(block)).join("\n"),
  };
}

/** @param {string} block @returns {Section} */
function parseSection(block) {
  const [heading = "", ...lines] = block.split("\n");
  if (heading === "Examples:") return { heading, rows: [], lines };
  /** @type {[string, string][]} */
  const rows = [];
  for (const line of lines) {
    const indent = line.length - line.trimStart().length;
    const last = rows.at(-1);
    if (indent > MAX_ROW_INDENT && last !== undefined) last[1] += ` ${line.trim()}`;
    else {
      const [name = "", ...texts] = line.trim().split(/ {2,}/);
      rows.push([name, texts.join(" ")]);
    }
  }
  return { heading, rows: rows.map(([name, text]) => [name, text.replaceAll(NOISE, "").trim()]), lines: [] };
}
