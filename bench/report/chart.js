import { labelOf } from "./label.js";

/** @typedef {import("../measure/compare.js").Compared} Compared */

const WIDTH = 880;
const LABEL = 340;
const BAR = 18;
const GAP = 8;
const TOP = 34;
/** The largest ratio that is drawn: a longer bar ends there, with its number. */
const MOST = 3;
const SCALE = (WIDTH - LABEL - 60) / MOST;

/**
 * Draws the CPU time of each row relative to what it is compared with, with quartiles and goals, as an SVG for light and dark pages.
 *
 * @param {readonly Compared[]} rows
 * @returns {string}
 */
export function chart(rows) {
  const height = TOP + rows.length * (BAR + GAP) + 10;
  const one = LABEL + SCALE;
  const bars = rows.map((row, index) => bar(row, TOP + index * (BAR + GAP)));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<style>text{fill:#333}.b{fill:#4c78a8}.r{fill:#b0b8c4}.q{stroke:#222;stroke-width:1.5}.g{stroke:#2a2;stroke-width:3}.one{stroke:#c44;stroke-dasharray:4 3}@media(prefers-color-scheme:dark){text{fill:#ddd}.q{stroke:#eee}}</style>
<text x="8" y="16">CPU a request, as a multiple of what it is compared with (less is better; green: the goal; gray: other gateways; bars end at ${MOST})</text>
${bars.join("\n")}
<line class="one" x1="${one}" x2="${one}" y1="${TOP - 6}" y2="${height - 6}"/>
</svg>
`;
}

/**
 * @param {Compared} row
 * @param {number} y
 */
function bar(row, y) {
  const { cpuRatio, isRival, goal } = row;
  const { lower, median, upper } = cpuRatio;
  const middle = y + BAR / 2;
  /** @param {number} ratio */
  const x = (ratio) => (LABEL + Math.min(ratio, MOST) * SCALE).toFixed(1);
  return [
    `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${escape(labelOf(row))}</text>`,
    `<rect class="${isRival ? "r" : "b"}" x="${LABEL}" y="${y}" width="${(Number(x(median)) - LABEL).toFixed(1)}" height="${BAR}"/>`,
    `<line class="q" x1="${x(lower)}" x2="${x(upper)}" y1="${middle}" y2="${middle}"/>`,
    ...(goal?.of === "cpuRatio"
      ? [`<line class="g" x1="${x(goal.met)}" x2="${x(goal.met)}" y1="${y}" y2="${y + BAR}"/>`]
      : []),
    `<text x="${Number(x(upper)) + 6}" y="${middle + 4}">${median.toFixed(2)}</text>`,
  ].join("");
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
