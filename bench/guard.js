// `npm run bench:guard`: compares a short run of a few rows with the ratios of the last whole run. It reports and never fails, since
// a shared machine is too noisy; but it refuses a record of an older bench, to which nothing can be compared.
import { endAll } from "./gateways/start.js";
import { compare } from "./measure/compare.js";
import { withQuartiles } from "./report/table.js";
import { readResults } from "./results.js";
import { rowsOf } from "./rows.js";
import { makeWorld } from "./world.js";

const ROWS = new Set(["plain", "signed (aws4)", "64 deep"]);
const how = { launches: 1, windows: 5, seconds: 1, warmSeconds: 2, connections: 32 };
/** A change of a ratio that should be examined. */
const NOTABLE = 0.1;

try {
  const recorded = await readResults();
  const rows = rowsOf(await makeWorld());
  const report = [];
  for (const row of rows.filter(({ name }) => ROWS.has(name))) {
    const before = recorded.compared.find(({ name }) => name === row.name)?.cpuRatio.median;
    const compared = await compare(row, how);
    if (compared === undefined) continue;
    const { cpuRatio, noisy } = compared;
    const change = before === undefined ? Number.NaN : cpuRatio.median / before - 1;
    report.push({
      what: row.name,
      against: row.against.name,
      "recorded CPU ratio": before?.toFixed(2) ?? "none",
      now: withQuartiles(cpuRatio),
      change: `${(change * 100).toFixed(0)} %`,
      verdict: noisy ? "too noisy to say" : change > NOTABLE ? "slower: look into it" : "as recorded",
    });
  }
  console.table(report);
} finally {
  await endAll();
}
