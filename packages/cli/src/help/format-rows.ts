/** A row of a table: a name, and text that is wrapped in the second column. */
export type Row = readonly [name: string, text: string];

/** Width of the help in columns. */
const WIDTH = 80;
const MARGIN = 2;

export function formatRows(rows: readonly Row[]): readonly string[] {
  const indent = MARGIN + Math.max(...rows.map(([name]) => name.length)) + MARGIN;
  return rows.flatMap(([name, text]) =>
    wrap(text, WIDTH - indent).map(
      (line, index) => `${(index === 0 ? " ".repeat(MARGIN) + name : "").padEnd(indent)}${line}`,
    ),
  );
}

/** Wraps text at spaces; a word that is longer than the width has a separate line. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines;
}
