import { toKebabCase } from "../../packages/service/dist/flag-names.js";
import { LIMIT_GROUPS } from "../../packages/service/dist/service-limits.js";

/** @typedef {import("../../packages/service/dist/service-limit.js").LimitFlag} LimitFlag */

const HEAD = "| flag | default | unit | what it limits |\n|---|---|---|---|";

/** Which stores have a limit that not all have. */
const ONLY = { lmdb: "with LMDB only", postgres: "with PostgreSQL only" };

/** The tables of all limits, a table for each group, from the built service. */
export function limitTables() {
  return LIMIT_GROUPS.map(({ title, flags }) => {
    const rows = Object.entries(flags).map(([name, flag]) => tableRow(toKebabCase(name), flag));
    return `### ${title}\n\n${HEAD}\n${rows.join("\n")}`;
  }).join("\n\n");
}

/**
 * @param {string} name
 * @param {LimitFlag} flag
 */
function tableRow(name, { default: value, unit, minimum, maximum, engine, description, details }) {
  const least = minimum === undefined ? undefined : `at least ${minimum}`;
  const most = maximum === undefined ? undefined : `at most ${maximum}`;
  const only = engine === undefined ? undefined : ONLY[engine];
  const meaning = [description, least, most, details, only].filter((part) => part !== undefined).join("; ");
  return `| \`--${name}\` | ${value ?? "–"} | ${unit === "count" ? "" : unit} | ${meaning} |`;
}
