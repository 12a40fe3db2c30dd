/** A step of a sequence diagram: an arrow between two lanes, or a note in one. */
/** @typedef {{from: string, to: string, text: string, refused: boolean} | {at: string, text: string}} Step */

/** @typedef {{text: string, line: string, box: string, accent: string, refused: string}} Theme */

const LANE_WIDTH = 250;
const MARGIN = 20;
const HEAD = 36;
const TOP = 66;
const STEP = 34;

/** @type {Readonly<Record<string, Theme>>} */
export const THEMES = {
  light: { text: "#1f2328", line: "#8c959f", box: "#f6f8fa", accent: "#0969da", refused: "#cf222e" },
  dark: { text: "#e6edf3", line: "#6e7681", box: "#161b22", accent: "#58a6ff", refused: "#ff7b72" },
};

/**
 * Parses lines of the form `A -> B: text` (an arrow), `A -x B: text` (a refusal) and `A: text` (a note).
 *
 * @param {string} text
 * @returns {Step[]}
 */
export function parseSequence(text) {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const arrow = /^(.+?) -([>x]) (.+?): (.+)$/.exec(line);
      if (arrow !== null) {
        const [, from = "", head, to = "", label = ""] = arrow;
        return { from, to, text: label, refused: head === "x" };
      }
      const note = /^(.+?): (.+)$/.exec(line);
      if (note === null) throw new Error(`neither an arrow nor a note: ${line}`);
      return { at: note[1] ?? "", text: note[2] ?? "" };
    });
}

/**
 * Draws the steps from top to bottom, the lanes in the given order.
 *
 * @param {readonly Step[]} steps
 * @param {readonly string[]} lanes
 * @param {Theme} theme
 * @returns {string} an SVG
 */
export function drawSequence(steps, lanes, theme) {
  const width = MARGIN * 2 + LANE_WIDTH * lanes.length;
  const height = TOP + steps.length * STEP + MARGIN;
  /** @param {string} lane */
  const center = (lane) => {
    const index = lanes.indexOf(lane);
    if (index === -1) throw new Error(`no lane: ${lane}`);
    return MARGIN + LANE_WIDTH * (index + 0.5);
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>How a request travels</title>`,
    `<style>text{fill:${theme.text};text-anchor:middle}.lane{stroke:${theme.line};stroke-dasharray:3 4}.box{fill:${theme.box};stroke:${theme.line}}.name{font-weight:600}.arrow{stroke:${theme.accent};stroke-width:1.5}.head{fill:${theme.accent}}.no{stroke:${theme.refused};stroke-width:1.5}.nohead{fill:${theme.refused}}</style>`,
    ...lanes.map((lane) => drawLane(lane, center(lane), height)),
    ...steps.map((step, index) => {
      const y = TOP + STEP * (index + 0.5);
      return "at" in step ? drawNote(step.text, center(step.at), y) : drawArrow(step, center, y);
    }),
    "</svg>\n",
  ].join("\n");
}

/**
 * @param {string} name
 * @param {number} x
 * @param {number} height
 */
function drawLane(name, x, height) {
  const half = LANE_WIDTH / 2 - 30;
  return [
    `<line class="lane" x1="${x}" x2="${x}" y1="${MARGIN + HEAD}" y2="${height - 8}"/>`,
    `<rect class="box" x="${x - half}" y="${MARGIN - 8}" width="${half * 2}" height="${HEAD}" rx="6"/>`,
    `<text class="name" x="${x}" y="${MARGIN + 15}">${escape(name)}</text>`,
  ].join("");
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
function drawNote(text, x, y) {
  const half = LANE_WIDTH / 2 + 20;
  return [
    `<rect class="box" x="${x - half}" y="${y - 13}" width="${half * 2}" height="26" rx="4"/>`,
    `<text x="${x}" y="${y + 4.5}">${escape(text)}</text>`,
  ].join("");
}

/**
 * @param {{from: string, to: string, text: string, refused: boolean}} step
 * @param {(lane: string) => number} center
 * @param {number} y
 */
function drawArrow({ from, to, text, refused }, center, y) {
  const start = center(from);
  const end = center(to);
  const direction = Math.sign(end - start);
  const middle = start + (direction * LANE_WIDTH) / 2;
  const line = y + 6;
  return [
    `<line class="${refused ? "no" : "arrow"}" x1="${start}" x2="${end - direction * 8}" y1="${line}" y2="${line}"/>`,
    `<path class="${refused ? "nohead" : "head"}" d="M${end} ${line}l${-direction * 9} -4.5v9z"/>`,
    `<text x="${middle}" y="${y}">${escape(text)}</text>`,
  ].join("");
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
