import { GOALS_ELSEWHERE, checkGoals } from "./goals.js";

/**
 * Formats the goals of the last recorded run as a table in Markdown.
 *
 * @param {import("../results.js").Results} results
 */
export function goalsTable(results) {
  return [
    "| what | goal | stretch | measured | |",
    "|---|---|---|---|---|",
    ...[...checkGoals(results), ...GOALS_ELSEWHERE].map(
      ({ what, goal, stretch, measured, result }) =>
        `| ${what} | ${goal} | ${stretch} | ${measured} | ${result} |`,
    ),
  ].join("\n");
}
